// Short names for the generated types of the API.
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Action = Schemas["ActionView"];
export type ActionStatus = Schemas["ActionStatus"];
export type ActionType = Schemas["ActionType"];
export type Progress = Schemas["ProgressView"];
export type RowStatus = Schemas["RowStatus"];
export type LogEntry = Schemas["LogEntry"];
export type CodeCount = Schemas["CodeCount"];
export type Entity = Schemas["EntityView"];
export type EntityColumn = Schemas["ColumnView"];
export type Session = Schemas["SessionView"];
