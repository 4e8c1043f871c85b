// Every screen in light and dark mode and on a phone: axe finds no problem, and pictures for the documentation are
// taken.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessible, choose, contacts, HOME, openBrowser, picture, sample, signedIn, until, uploaded } from "./stage.mjs";

let browser;
let failing;
before(async () => {
  browser = await openBrowser();
  const page = await signedIn(browser);
  const done = ({ status }) => status === "completed";
  failing = await uploaded(page, `${contacts(4200)}nobody,No address,20\nold@example.com,Methuselah,969\n`, {}, "newsletter-subscribers.csv");
  await until(page, `/bulk-actions/${failing}`, done);
  const checked = await uploaded(page, contacts(812), { dryRun: "true" }, "customers 2026.csv");
  await until(page, `/bulk-actions/${checked}`, done);
  await uploaded(page, contacts(3), { scheduledAt: new Date(Date.now() + 86_400_000).toISOString() }, "address-book.csv");
  const large = await uploaded(page, contacts(20_000), {}, "crm-export-2026-11.csv");
  await until(page, `/bulk-actions/${large}`, done);
});
after(() => browser.close());

/** Those that the documentation shows. */
const PICTURED = ["actions", "action", "records"];

for (const look of ["light", "dark", "phone"]) {
  test(`all screens, ${look}`, async () => {
    const page = await signedIn(browser, look);
    const wide = async (what) => {
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(over <= 0, `${what} is ${over} pixels too wide`);
    };
    const see = async (what, text) => {
      await page.getByText(text).first().waitFor();
      await accessible(page, `${what}, ${look}`);
      await wide(what);
      if (PICTURED.includes(what)) await picture(page, `${what}-${look}`);
    };
    await page.getByRole("link", { name: "crm-export-2026-11.csv" }).waitFor();
    await see("actions", "newsletter-subscribers.csv");
    await page.goto(`${HOME}?status=failed`);
    await see("no-match", "No action matches");
    await page.goto(`${HOME}actions/${failing}`);
    await see("action", "old@example.com");
    await page.getByText("Settings and details").click();
    await accessible(page, `facts, ${look}`);
    await page.goto(`${HOME}entities/order`);
    await see("records", "orderNumber");
    await page.goto(`${HOME}new`);
    await see("new", "Drop a file here");
    await choose(page, sample("address-book.csv"));
    await see("steps", /of 41 used/);
    await page.getByText("What to do").click();
    await page.getByText("With each row").waitFor();
    await accessible(page, `options, ${look}`);
    await wide("options");
    await page.goto(`${HOME}actions/01900000-0000-7000-8000-000000000000`);
    await see("missing-action", "No such action");
    await page.goto(`${HOME}nowhere`);
    await see("nowhere", "There is nothing here");
    page.check();
  });

  test(`the first visit, ${look}`, async () => {
    const page = await signedIn(browser, look, `newcomer-${look}`);
    await page.getByText("Drop a file here").waitFor();
    await accessible(page, `first visit, ${look}`);
    page.check();
  });
}

test("an action that runs, for the documentation", { skip: !process.env.SCREENSHOTS }, async () => {
  for (const look of ["light", "dark"]) {
    const page = await signedIn(browser, look, `runner-${look}`);
    const id = await uploaded(page, contacts(150_000, (n) => `user${n}@example.com,User ${n},${n % 3000 ? 30 : 969}`), {}, "crm-export-2026-11.csv");
    await page.goto(`${HOME}actions/${id}`);
    await until(page, `/bulk-actions/${id}/stats`, ({ completionRate }) => completionRate > 25);
    await page.getByRole("button", { name: "Pause" }).waitFor();
    await picture(page, `running-${look}`);
  }
});
