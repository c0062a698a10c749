// A shop session with an official Node library: node_session.mjs segment|rudder URL KEY.
// Prints the marks of the messages that were sent, as a JSON list. Nothing but host and key is set.
import { Analytics as Segment } from "@segment/analytics-node";
import Rudder from "@rudderstack/rudder-sdk-node";

const [which, url, key] = process.argv.slice(2);
const client = which === "segment" ? new Segment({ writeKey: key, host: url }) : new Rudder(key, { dataPlaneUrl: url });

const marks = [];
const mark = (word) => {
  marks.push(`${word}-${marks.length}`);
  return marks.at(-1);
};

for (let visit = 0; visit < 6; visit++) {
  const person = { userId: `user-${visit}`, anonymousId: `anonymous-${visit}` };
  client.page({ ...person, name: "Home", properties: { n: mark("page"), url: "https://shop.example.com/" } });
  client.screen({ ...person, name: "Home", properties: { n: mark("screen") } });
  client.identify({ ...person, traits: { n: mark("identify"), email: `${person.userId}@example.com` } });
  client.group({ ...person, groupId: "group", traits: { n: mark("group") } });
  client.alias({ userId: person.userId, previousId: mark("alias") });
  for (let number = 0; number < 8; number++) {
    const properties = { n: mark("track"), product_id: `p${number}`, price: 9.5 };
    client.track({ ...person, event: "Product Added", properties });
  }
}

await (which === "segment" ? client.closeAndFlush() : client.flush());
console.log(JSON.stringify(marks));
