// Rejections are shown with the server's own message, even while the browser is still sending.
import assert from "node:assert/strict";
import { open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { accessible, choose, HOME, openBrowser, signedIn, URL_ROOT } from "./stage.mjs";

const MIB = 1024 * 1024;

let browser;
const files = [];
before(async () => {
  browser = await openBrowser();
});
after(async () => {
  await browser.close();
  await Promise.all(files.map((file) => rm(file, { force: true })));
});

/** A file with this first line and many rows. */
async function large(name, header, mib) {
  const path = join(tmpdir(), `page-${process.pid}-${name}`);
  files.push(path);
  const file = await open(path, "w");
  await file.write(`${header}\n`);
  const row = "somebody@example.com,Somebody,33\n";
  const block = row.repeat(Math.ceil(MIB / row.length));
  for (let n = 0; n < mib; n += 1) await file.write(block);
  await file.close();
  return path;
}

/** Sends a file as the page does, from within it; status and message. */
async function send(page, path, fields) {
  await page.evaluate(() => {
    const input = document.createElement("input");
    input.type = "file";
    input.id = "for-the-test";
    document.body.append(input);
  });
  await page.locator("#for-the-test").setInputFiles(path);
  return page.evaluate(
    ([url, values]) =>
      new Promise((resolve) => {
        const form = new FormData();
        for (const [name, value] of Object.entries(values)) form.append(name, value);
        form.append("file", document.querySelector("#for-the-test").files[0]);
        const request = new XMLHttpRequest();
        request.open("POST", url);
        request.onload = () => resolve({ status: request.status, body: request.responseText });
        request.onerror = () => resolve({ status: 0, body: "network error" });
        request.send(form);
      }),
    [`${URL_ROOT}/bulk-actions`, fields],
  );
}

const CONTACT = { entityType: "contact", actionType: "bulk_upsert", mapping: "{}" };

test("a file that is too large", async () => {
  const page = await signedIn(browser);
  const { status, body } = await send(page, await large("too-large.csv", "email,name,age", 180), CONTACT);
  assert.equal(status, 413, body);
  assert.match(body, /larger than 104857600 bytes/);
});

test("a file that is too large, in the wizard", async () => {
  const page = await signedIn(browser);
  await page.goto(`${HOME}new`);
  await choose(page, await large("too-large.csv", "email,name,age", 180));
  await page.getByText("3 of 3 used").waitFor();
  for (const [index, button] of ["Check the file", "Import without checking"].entries()) {
    await page.getByRole("button", { name: button }).click();
    await page.getByRole("alert").getByText(/larger than 104857600 bytes/).nth(index).waitFor();
  }
  await accessible(page, "refused uploads");
  page.check();
});

test("a large file whose first line is wrong", async () => {
  const page = await signedIn(browser);
  const { status, body } = await send(page, await large("wrong.csv", "email,name,height", 90), CONTACT);
  assert.equal(status, 400, body);
  assert.match(body, /height/);
});
