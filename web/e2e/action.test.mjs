// Watching and controlling an action, including failures of the platform in between.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { accessible, contacts, HOME, openBrowser, order, signedIn, until, uploaded } from "./stage.mjs";

const ROWS = 1000;

let browser;
before(async () => {
  browser = await openBrowser();
});
after(() => browser.close());

async function show(page, id) {
  await page.goto(`${HOME}actions/${id}`);
  await page.getByRole("heading", { level: 1 }).waitFor();
}

const is = (status) => (action) => action.status === status;

test("pause, reload, resume, and the end are seen without touching anything", async () => {
  const page = await signedIn(browser);
  await order("kill processing-worker-1");
  const id = await uploaded(page, contacts(ROWS));
  await show(page, id);
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByText("Nothing more happens until you resume it").waitFor();
  await accessible(page, "paused action");
  await page.reload();
  await page.getByText("Nothing more happens until you resume it").waitFor();
  assert.equal((await until(page, `/bulk-actions/${id}`, is("paused"))).status, "paused");
  await page.getByRole("button", { name: "Resume" }).click();
  await page.getByRole("button", { name: "Pause" }).waitFor();
  await page.reload();
  await page.getByRole("button", { name: "Pause" }).waitFor();
  await order("start processing-worker-1");
  await page.getByText("1,000 of 1,000").waitFor();
  await page.getByText("Done", { exact: true }).first().waitFor();
  assert.equal(await page.getByRole("button", { name: "Pause" }).count(), 0);
  page.check();
});

test("cancelling asks first, and what was not reached can be downloaded", async () => {
  const page = await signedIn(browser);
  await order("kill processing-worker-1");
  const id = await uploaded(page, contacts(200));
  await show(page, id);
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("dialog").waitFor();
  await accessible(page, "cancel dialog");
  await page.keyboard.press("Escape");
  assert.notEqual((await until(page, `/bulk-actions/${id}`, () => true)).status, "cancelled");
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Cancel the import" }).click();
  await page.getByText("Cancelled").first().waitFor();
  await page.getByText("Not reached", { exact: true }).waitFor();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Rows not reached", exact: true }).click(),
  ]);
  const lines = (await readFile(await download.path(), "utf8")).trim().split("\n");
  assert.equal(lines.length, 201);
  await order("start processing-worker-1");
  page.check();
});

test("what was given up on is tried again", async () => {
  const page = await signedIn(browser);
  await order("kill processing-worker-1");
  const id = await uploaded(page, contacts(ROWS));
  await until(page, `/bulk-actions/${id}`, ({ chunks }) => chunks.total >= ROWS / 50);
  await order(`lose-chunk ${id}`);
  await show(page, id);
  await order("start processing-worker-1");
  await page.getByText("Stopped").waitFor();
  await accessible(page, "failed action");
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByText("1,000 of 1,000").waitFor();
  await page.getByText("Done", { exact: true }).first().waitFor();
  page.check();
});

test("api goes away and comes back, and the page goes on", async () => {
  const page = await signedIn(browser);
  await order("kill processing-worker-1");
  const id = await uploaded(page, contacts(ROWS));
  await show(page, id);
  await page.getByRole("button", { name: "Pause" }).waitFor();
  await order("kill api");
  await page.getByText("The connection is lost").waitFor();
  await accessible(page, "disconnected");
  await order("start api");
  await page.getByText("The connection is lost").waitFor({ state: "hidden" });
  await order("start processing-worker-1");
  await page.getByText("1,000 of 1,000").waitFor();
});

test("tiles filter the rows, and failed rows are streamed to the disk", async () => {
  const page = await signedIn(browser);
  const csv = `${contacts(120)}nobody,No address,20\nold@example.com,Methuselah,969\nuser1@example.com,Again,30\n`;
  const id = await uploaded(page, csv, { deduplicate: "true" });
  await show(page, id);
  const table = page.getByRole("region", { name: "Table of rows" });
  await page.getByRole("button", { name: /Failed/ }).and(page.locator("[aria-pressed=true]")).waitFor();
  await table.getByText("old@example.com").waitFor();
  await page.waitForTimeout(500);
  assert.equal(await table.locator("tbody tr").count(), 2);
  assert.match(await table.innerText(), /Age must be .*150/i);
  await accessible(page, "action with failed rows");
  await page.getByRole("button", { name: /Skipped/ }).click();
  await table.getByText("Repeated in this file").waitFor();
  await page.getByRole("button", { name: /All with an outcome/ }).click();
  await page.getByRole("button", { name: /^Breaks a rule/ }).click();
  await table.getByText("nobody").first().waitFor();
  await page.getByRole("searchbox", { name: "Find rows" }).fill("METHUSELAH");
  await table.locator("tbody tr").nth(1).waitFor({ state: "detached" });
  assert.match(await table.innerText(), /old@example\.com.*Methuselah.*969/s);
  await accessible(page, "rows that were looked for");
  await page.getByRole("searchbox", { name: "Find rows" }).fill("no such text");
  await page.getByText("No row like that.").waitFor();
  await page.getByRole("searchbox", { name: "Find rows" }).fill("");
  await page.getByRole("button", { name: /All with an outcome/ }).click();
  // Page after page, in the order in which the rows got their outcomes.
  await table.locator("tbody tr").nth(49).waitFor();
  assert.equal(await table.locator("tbody tr").count(), 50);
  await page.getByRole("button", { name: "More rows" }).click();
  await table.locator("tbody tr").nth(99).waitFor();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Failed rows", exact: true }).click(),
  ]);
  const text = await readFile(await download.path(), "utf8");
  assert.match(text, /^_row,_status,_reason,_id,email,name,age\n12[12],failed,/);
  page.check();
});
