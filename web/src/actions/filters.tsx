// Filters of the list of actions.
import { useEffect, useState } from "react";
import type { ActionFilter } from "../api/actions";
import { useEntities } from "../api/entities";
import { ACTION_TYPE_WORDS, sentence, STATUS_WORDS } from "../text/words";

const TYPING_PAUSE_MS = 300;

interface Props {
  filter: ActionFilter & { actionType?: string; fileName?: string };
  change: (name: string, value: string) => void;
}

export function Filters({ filter, change }: Props) {
  const entities = useEntities();
  const types = (entities.data ?? []).map(({ type }) => [type, sentence(type)] as [string, string]);
  return (
    <search className="filters">
      <FileName value={filter.fileName ?? ""} change={(value) => change("fileName", value)} />
      <Choice label="Any state" name="status" value={filter.status} words={Object.entries(STATUS_WORDS)} change={change} />
      <Choice label="Any record" name="entityType" value={filter.entityType} words={types} change={change} />
      <Choice label="Any operation" name="actionType" value={filter.actionType} words={Object.entries(ACTION_TYPE_WORDS)} change={change} />
    </search>
  );
}

interface ChoiceProps {
  label: string;
  name: string;
  value: string | undefined;
  words: [string, string][];
  change: (name: string, value: string) => void;
}

function Choice({ label, name, value, words, change }: ChoiceProps) {
  return (
    <select aria-label={label.replace("Any", "Filter by")} value={value ?? ""} onChange={(event) => change(name, event.target.value)}>
      <option value="">{label}</option>
      {words.map(([code, word]) => (
        <option key={code} value={code}>
          {word}
        </option>
      ))}
    </select>
  );
}

function FileName({ value, change }: { value: string; change: (value: string) => void }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => change(text), TYPING_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text, value, change]);
  return (
    <input
      type="search"
      aria-label="Filter by file name"
      placeholder="File name"
      value={text}
      onChange={(event) => setText(event.target.value)}
    />
  );
}
