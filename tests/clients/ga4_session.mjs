// A visit to a shop with a GA4 collector in Chromium: ga4_session.mjs URL MEASUREMENT_ID CHROMIUM.
// Nothing but the collector's address and the measurement id is set. Prints the marks of the events that were
// tracked by hand, as a JSON list; page view, scroll, click and engagement the collector tells by itself.
import { createReadStream } from "node:fs";
import { createServer } from "node:http";
import { chromium } from "playwright-core";

const [url, id, executablePath] = process.argv.slice(2);
const SCRIPT = "node_modules/@minimal-analytics/ga4/dist/index.js";

// The page has another origin than the hub, as every shop has.
const site = createServer((request, response) => {
  const isScript = request.url.endsWith("/ga4.js");
  response.setHeader("content-type", `text/${isScript ? "javascript" : "html"}; charset=utf-8`);
  if (isScript) {
    createReadStream(SCRIPT).pipe(response);
    return;
  }
  const settings = { trackingId: id, analyticsEndpoint: `${url}/g/collect`, defineGlobal: true };
  response.end(`<!doctype html><title>Shop</title><body style="height: 5000px">
    <a id="partner" href="https://partner.example/" onclick="event.preventDefault()">Partner</a>
    <script>window.minimalAnalytics = ${JSON.stringify(settings)}</script><script src="/ga4.js"></script>`);
});
await new Promise((listening) => site.listen(0, "127.0.0.1", listening));

function shop() {
  const marks = [];
  window.track();
  for (let product = 0; product < 20; product++) {
    marks.push(`track-${product}`);
    const event = { "ep.n": marks.at(-1), "ep.currency": "EUR", "epn.value": 9.5, "ep.item_id": `p${product}` };
    window.track({ type: "add_to_cart", event });
  }
  return marks;
}

const browser = await chromium.launch({
  executablePath,
  headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
});
try {
  const page = await browser.newPage();
  page.on("pageerror", (fault) => console.error(fault));
  const heard = [];
  page.on("response", (response) => heard.push(response.status()));
  await page.goto(`http://127.0.0.1:${site.address().port}/?utm_source=news`);
  const marks = await page.evaluate(shop);
  await page.click("#partner");
  await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
  await page.waitForRequest((request) => request.url().includes("en=scroll"));
  // Leaving the page is what sends the engagement.
  await page.goto(`http://127.0.0.1:${site.address().port}/?left`);
  console.log(JSON.stringify(marks));
} finally {
  await browser.close();
  site.close();
}
