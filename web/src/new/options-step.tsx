// Choice of the operation, in plain words.
import { useState } from "react";
import type { ActionType, Entity } from "../api/types";
import { moment } from "../text/format";
import { ACTION_TYPE_WORDS } from "../text/words";
import type { Settings } from "./settings";
import { Step } from "./step";
import type { Change } from "./steps";
import { ValueFields } from "./value-fields";

interface Props {
  entity: Entity;
  settings: Settings;
  change: Change;
}

const MEANS: Record<ActionType, string> = {
  bulk_upsert: "Records that are there already are changed, the others are added.",
  bulk_create: "Records are added; those that are there already stay as they are unless you say otherwise.",
  bulk_update: "Only records that are there already are changed; a row without one fails.",
  bulk_delete: "The records that the rows name are deleted.",
};

const ORDER: ActionType[] = ["bulk_upsert", "bulk_create", "bulk_update", "bulk_delete"];

export function OptionsStep({ entity, settings, change }: Props) {
  const [open, setOpen] = useState(false);
  const { actionType } = settings;
  const changes = actionType === "bulk_update" || actionType === "bulk_upsert";
  return (
    <Step number={3} title="What to do" summary={summary(settings)} open={open} toggle={setOpen}>
      <div className="options">
        <fieldset>
          <legend>With each row</legend>
          {ORDER.filter((type) => entity.actionTypes.includes(type)).map((type) => (
            <label key={type} className="option">
              <input type="radio" name="operation" checked={actionType === type} onChange={() => change({ actionType: type })} />
              <span>
                {ACTION_TYPE_WORDS[type]}
                <span className="under">{MEANS[type]}</span>
              </span>
            </label>
          ))}
        </fieldset>
        {actionType === "bulk_create" && (
          <Radio
            legend="When a record exists already"
            name="conflict"
            value={settings.onConflict}
            choices={[
              ["skip", "Skip the row"],
              ["error", "The row fails"],
              ["update", "Change the record"],
            ]}
            change={(onConflict) => change({ onConflict: onConflict as Settings["onConflict"] })}
          />
        )}
        <Radio
          legend={`When the same ${entity.key} comes more than once`}
          name="duplicates"
          value={settings.deduplicate ? "first" : "last"}
          choices={[
            ["last", "All rows count, in their order; the last one wins"],
            ["first", "The first row counts, the others are skipped"],
          ]}
          change={(which) => change({ deduplicate: which === "first" })}
        />
        {changes && (
          <Radio
            legend="An empty cell"
            name="empty"
            value={settings.clearEmpty ? "clear" : "keep"}
            choices={[
              ["keep", "Leaves what is stored"],
              ["clear", "Removes what is stored"],
            ]}
            change={(which) => change({ clearEmpty: which === "clear" })}
          />
        )}
        <Radio
          legend="A row that ends early"
          name="short"
          value={settings.fillShort ? "fill" : "fail"}
          choices={[
            ["fail", "Fails"],
            ["fill", "Counts, with empty cells at its end"],
          ]}
          change={(which) => change({ fillShort: which === "fill" })}
        />
        <ValueFields entity={entity} reading={settings.reading} change={(reading) => change({ reading })} />
        <label className="when-field">
          <span>Start at</span>
          <input type="datetime-local" value={settings.scheduledAt} onChange={(event) => change({ scheduledAt: event.target.value })} />
          <span className="hint">Empty: as soon as it is uploaded.</span>
        </label>
      </div>
    </Step>
  );
}

function summary({ actionType, deduplicate, clearEmpty, scheduledAt }: Settings): string {
  return [
    ACTION_TYPE_WORDS[actionType],
    deduplicate && "repeated rows are skipped",
    clearEmpty && "empty cells remove",
    scheduledAt ? `starts ${moment(scheduledAt)}` : "starts at once",
  ]
    .filter(Boolean)
    .join(" · ");
}

interface RadioProps {
  legend: string;
  name: string;
  value: string;
  choices: [string, string][];
  change: (value: string) => void;
}

function Radio({ legend, name, value, choices, change }: RadioProps) {
  return (
    <fieldset>
      <legend>{legend}</legend>
      {choices.map(([code, words]) => (
        <label key={code} className="option">
          <input type="radio" name={name} checked={value === code} onChange={() => change(code)} />
          {words}
        </label>
      ))}
    </fieldset>
  );
}
