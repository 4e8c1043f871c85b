// The file, its entity, and the options for reading it.
import { useState } from "react";
import type { Entity } from "../api/types";
import { size } from "../text/format";
import { sentence } from "../text/words";
import { DropZone } from "../ui/drop-zone";
import { chooseFile } from "./chosen-file";
import type { Inspection } from "./inspection";
import { ReadingFields } from "./reading-fields";
import type { Settings } from "./settings";
import { Step } from "./step";
import type { Change } from "./steps";

interface Props {
  file: File;
  entities: Entity[];
  settings: Settings;
  inspection: Inspection | undefined;
  change: Change;
}

export function FileStep({ file, entities, settings, inspection, change }: Props) {
  const [open, setOpen] = useState(true);
  const kind = settings.entityType ? ` as ${settings.entityType} records` : "";
  return (
    <Step number={1} title="File" summary={`${file.name}, ${size(file.size)}${open ? "" : kind}`} open={open} toggle={setOpen}>
      <div className="fields">
        <fieldset className="choice">
          <legend>Each row is a</legend>
          {entities.map(({ type }) => (
            <label key={type}>
              <input
                type="radio"
                name="entity"
                checked={settings.entityType === type}
                onChange={() => change({ entityType: type, targets: {}, defaults: {} })}
              />
              {sentence(type)}
            </label>
          ))}
        </fieldset>
        {inspection && (
          <ReadingFields
            inspection={inspection}
            isWorkbook={/\.xlsx(\.gz)?$/i.test(file.name)}
            reading={settings.reading}
            change={(reading) => change({ reading })}
          />
        )}
      </div>
      <DropZone small onFile={chooseFile} label="Choose another file">
        <p>Only the start of the file has been looked at, and nothing is stored yet.</p>
      </DropZone>
    </Step>
  );
}
