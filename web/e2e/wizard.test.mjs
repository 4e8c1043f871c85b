// From a file to imported records, by a user without instructions.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { accessible, ask, choose, contacts, HOME, openBrowser, picture, sample, signedIn, until } from "./stage.mjs";

let browser;
let folder;
before(async () => {
  browser = await openBrowser();
  folder = await mkdtemp(join(tmpdir(), "page-"));
});
after(async () => {
  await browser.close();
  await rm(folder, { recursive: true, force: true });
});

async function file(name, content) {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

/** From the wizard's check to the action of the import. */
async function checkAndImport(page, rows) {
  await page.getByRole("button", { name: "Check the file" }).click();
  await page.getByRole("button", { name: `Import ${rows}` }).click();
  await page.waitForURL(/\/app\/actions\//);
  const id = new URL(page.url()).pathname.split("/").pop();
  return until(page, `/bulk-actions/${id}`, ({ status }) => status === "completed");
}

test("a clean file takes a drop and two clicks", async () => {
  const page = await signedIn(browser, "light", "clean");
  const data = await page.evaluateHandle((csv) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([csv], "people.csv", { type: "text/csv" }));
    return transfer;
  }, contacts(500));
  await page.locator(".drop-zone").dispatchEvent("drop", { dataTransfer: data });
  await page.getByText("3 of 3 used").waitFor();
  assert.ok(await page.getByRole("radio", { name: "Contact" }).isChecked());
  await accessible(page, "wizard");
  const action = await checkAndImport(page, "500 rows");
  assert.equal(action.progress.successfulRecords, 500);
  assert.equal(action.configuration.dryRun, false);
  await page.getByText("500 of 500").waitFor();
  page.check();
});

test("an address book's export finds its columns by itself and leaves the others out", async () => {
  const page = await signedIn(browser, "light", "addresses");
  await choose(page, sample("address-book.csv"));
  await page.getByText("2 of 41 used, 39 left out").waitFor();
  await accessible(page, "wizard with many columns");
  await picture(page, "import");
  const action = await checkAndImport(page, "3 rows");
  assert.deepEqual([action.progress.successfulRecords, action.progress.failedRecords], [3, 0]);
  assert.equal(action.configuration.mapping["E-mail 1 - Value"], "email");
  page.check();
});

test("an address book without whole names asks which column the name is in", async () => {
  const page = await signedIn(browser, "light", "outlook");
  await choose(page, sample("outlook.csv"));
  await page.getByText("1 of 61 used").waitFor();
  await accessible(page, "wizard with a missing column");
  await picture(page, "import-missing");
  await page.getByLabel("Take name from").selectOption("First Name: Tilda");
  await page.getByText("2 of 61 used").waitFor();
  const action = await checkAndImport(page, "2 rows");
  assert.equal(action.configuration.mapping["First Name"], "name");
  page.check();
});

test("a workbook is read like any table", async () => {
  const page = await signedIn(browser, "light", "workbook");
  await choose(page, sample("members.xlsx"));
  // Its fourth column is no contact's.
  await page.getByText("3 of 4 used, 1 left out").waitFor();
  await page.getByRole("textbox", { name: "Sheet" }).waitFor();
  await accessible(page, "wizard with a workbook");
  const action = await checkAndImport(page, "4 rows");
  assert.deepEqual([action.progress.successfulRecords, action.progress.failedRecords], [4, 0]);
  const rows = await ask(page, `/bulk-actions/${action.id}/logs?values=true`);
  assert.deepEqual(rows.find(({ row }) => row === 1).values.slice(0, 2), [
    { column: "E-Mail", value: "tilda@fjord.example" },
    { column: "Full Name", value: "Tilda Brandvik" },
  ]);
  page.check();
});

test("titles above the table are left out by naming the line of its header", async () => {
  const page = await signedIn(browser, "phone", "titles");
  const titles = "Customers of the year\n\"Made on 1 May, by Ada\"\n";
  await choose(page, await file("report.csv", `${titles}email,name,age\nada@example.com,Ada,36\nold@example.com,Methuselah,969\n`));
  await page.getByRole("alert").filter({ hasText: "stand on line 3" }).waitFor();
  await accessible(page, "wizard with titles above the header");
  const header = page.getByLabel("Columns are named in");
  assert.equal(await header.locator("option:checked").textContent(), "line 1 (detected)");

  // With the keyboard: the choice keeps the focus while the file is looked at again.
  await header.focus();
  for (const line of ["1", "2", "3"]) {
    await page.keyboard.press("ArrowDown");
    assert.equal(await header.inputValue(), line);
  }
  await page.getByText("3 of 3 used").waitFor();
  assert.ok(await header.evaluate((element) => element === document.activeElement));
  await page.getByText(/Row 2: .*150/).waitFor();

  await header.selectOption("");
  await page.getByRole("button", { name: "Take the names from line 3" }).click();
  await page.getByText("3 of 3 used").waitFor();
  assert.equal(await header.inputValue(), "3");
  await accessible(page, "wizard with a named header line");
  const action = await checkAndImport(page, "1 row");
  assert.equal(action.configuration.headerLine, 3);
  assert.deepEqual([action.progress.successfulRecords, action.progress.failedRecords], [1, 1]);

  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Failed rows", exact: true }).click(),
  ]);
  const failed = await readFile(await download.path(), "utf8");
  // The header of the download is its first line, so the settings like those of the first import say nothing of it.
  await choose(page, await file("repaired-report.csv", failed.replace("969", "96")));
  await page.getByText("3 of 7 used").waitFor();
  assert.equal(await page.getByLabel("Columns are named in").inputValue(), "");
  const repaired = await checkAndImport(page, "1 row");
  assert.deepEqual([repaired.configuration.headerLine, repaired.progress.successfulRecords], [null, 1]);
  page.check();
});

test("rows that fail are shown before anything changes, repaired, and uploaded again", async () => {
  const page = await signedIn(browser, "light", "repairs");
  const csv = `email,name,age\nada@example.com,Ada,36\nold@example.com,Methuselah,969\nnobody,No address,20\n`;
  await choose(page, await file("people.csv", csv));
  // Problems of the sample are shown beside the column, with the server's message.
  await page.getByText(/Row 2: .*150/).waitFor();
  await picture(page, "import-problems");
  await page.getByRole("button", { name: "Check the file" }).click();
  await page.getByText("1 row would pass").waitFor();
  await page.locator(".first-problems").getByText(/Row 2.*old@example.com/).waitFor();
  await accessible(page, "checked wizard");
  await page.getByRole("button", { name: "Import 1 row" }).click();
  await page.waitForURL(/\/app\/actions\//);
  await page.getByText("3 of 3").waitFor();

  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Failed rows", exact: true }).click(),
  ]);
  const failed = await readFile(await download.path(), "utf8");
  const repaired = await file("repaired.csv", failed.replace("969", "96").replace("nobody", "nobody@example.com"));
  await choose(page, repaired);
  await page.getByRole("heading", { name: "Upload the repaired file" }).waitFor();
  const action = await checkAndImport(page, "2 rows");
  assert.equal(action.progress.successfulRecords, 2);
  page.check();
});

test("a reload in the middle of a check loses only the choice of the file", async () => {
  const page = await signedIn(browser, "light", "reloads");
  await choose(page, await file("people.csv", contacts(10)));
  await page.getByText("3 of 3 used").waitFor();
  await page.reload();
  await page.getByText("Drop a file here").waitFor();
  const list = await ask(page, "/bulk-actions");
  assert.deepEqual(list, []);
  page.check();
});

test("the server's word on the file is shown as it is", async () => {
  const page = await signedIn(browser, "light", "words");
  await choose(page, await file("page.csv", "%PDF-1.7\n%âãÏÓ\n1 0 obj\n<</Type/Catalog>>\n"));
  await page.getByRole("alert").waitFor();
  await accessible(page, "refused file");
  const said = await page.getByRole("alert").first().innerText();
  assert.match(said, /PDF|text|encoding/i);
  page.check();
});

test("with the keyboard alone", async () => {
  const page = await signedIn(browser, "light", "keys");
  const path = await file("people.csv", contacts(20));
  const tabTo = async (name) => {
    for (let n = 0; n < 60; n += 1) {
      // Only elements that react to Enter: a focused region starts with the same words as its first button.
      const focused = await page.evaluate(() => {
        const element = document.activeElement;
        if (!element?.matches("button, a, input, select")) return null;
        return (element.labels?.[0] ?? element).textContent.trim() || element.getAttribute("aria-label");
      });
      if (focused?.startsWith(name)) return;
      await page.keyboard.press("Tab");
    }
    throw new Error(`no way to ${name} by Tab`);
  };
  await tabTo("New import");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "New import" }).waitFor();
  await page.getByText("Drop a file here").waitFor();
  // Before the way there: the driver passes a chooser on only once its subscription is answered, and a key is faster than that.
  const choosing = page.waitForEvent("filechooser");
  await tabTo("Choose a file");
  await page.keyboard.press("Enter");
  await (await choosing).setFiles(path);
  await page.getByText("3 of 3 used").waitFor();
  await tabTo("Check the file");
  await page.keyboard.press("Enter");
  await page.getByText("20 rows would pass").waitFor();
  // The next step has the focus.
  await tabTo("Import 20 rows");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/app\/actions\//);
  await page.getByText("20 of 20").waitFor();
  page.check();
});

test("a large file takes no memory of the tab", async () => {
  const page = await signedIn(browser, "light", "large");
  const rows = contacts(1_500_000, (n) => `somebody.with.a.long.name.${n}@department.example.com,Somebody,33`);
  assert.ok(rows.length > 90_000_000);
  const path = await file("large.csv", rows);
  const session = await page.context().newCDPSession(page);
  const used = async () => {
    await session.send("HeapProfiler.collectGarbage");
    const { metrics } = await session.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "JSHeapUsedSize").value;
  };
  await session.send("Performance.enable");
  const before = await used();
  await page.goto(`${HOME}new`);
  await choose(page, path);
  await page.getByText("3 of 3 used").waitFor();
  await page.getByRole("button", { name: "Import without checking" }).click();
  await page.waitForURL(/\/app\/actions\//, { timeout: 120_000 });
  const grown = (await used()) - before;
  assert.ok(grown < 50_000_000, `${grown} bytes more`);
  page.check();
});
