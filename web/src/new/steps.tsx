// The four steps and their shared state: the settings and the inspection of the file.
import { useState } from "react";
import type { Entity } from "../api/types";
import { Failed } from "../ui/failed";
import { Loading } from "../ui/loading";
import { CheckStep } from "./check-step";
import { ColumnsStep } from "./columns-step";
import { FileStep } from "./file-step";
import { OptionsStep } from "./options-step";
import { bestEntity, newSettings, type Settings, uploadFields } from "./settings";
import { useGuesses, usePreview } from "./use-inspection";

interface Props {
  file: File;
  entities: Entity[];
  start: Settings | undefined;
}

export type Change = (change: Partial<Settings>) => void;

export function Steps({ file, entities, start }: Props) {
  const [draft, setDraft] = useState<Settings>(start ?? newSettings(""));
  const change: Change = (part) => setDraft((before) => ({ ...before, ...part }));
  const guesses = useGuesses(file, entities, draft.entityType || undefined, draft.reading);
  const guessed = draft.entityType || (guesses.isPending ? undefined : bestEntity(entities, (type) => guesses.of(type)?.columns));
  const entity = entities.find(({ type }) => type === guessed);
  const inspection = guessed ? guesses.of(guessed) : undefined;
  // The controls of the first step stay while the file is looked at again, and with them the focus.
  const [latest, setLatest] = useState(inspection);
  if (inspection && inspection !== latest) setLatest(inspection);
  const settings = { ...draft, entityType: guessed ?? "" };
  const fields = inspection ? uploadFields(settings, inspection.columns) : null;
  const preview = usePreview(file, fields);
  // A file that cannot be inspected (a large workbook) is checked by the server during the upload.
  const blocked = Boolean(preview.error) || (inspection?.columns.length !== 0 && preview.data?.problems.length !== 0);

  return (
    <div className="steps">
      <FileStep file={file} entities={entities} settings={settings} inspection={inspection ?? latest} change={change} />
      {guesses.error && <Failed error={guesses.error} />}
      {guesses.isPending && <Loading what="Looking at the file" />}
      {entity && inspection && fields && (
        <>
          <ColumnsStep
            entity={entity}
            inspection={inspection}
            preview={preview.data}
            error={preview.error}
            settings={settings}
            change={change}
          />
          <OptionsStep entity={entity} settings={settings} change={change} />
          <CheckStep key={JSON.stringify(fields)} file={file} settings={settings} fields={fields} blocked={blocked} />
        </>
      )}
    </div>
  );
}
