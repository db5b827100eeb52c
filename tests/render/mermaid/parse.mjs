// Reads a JSON list of charts from stdin and writes what Mermaid's own parser makes of each: its tasks, or its complaint.
import { readFileSync } from "node:fs";

const { default: mermaid } = await import(process.argv[2]);
const found = [];
for (const text of JSON.parse(readFileSync(0, "utf8"))) {
  try {
    await mermaid.parse(text);
    const { db } = await mermaid.mermaidAPI.getDiagramFromText(text);
    const tasks = db.getTasks().map((each) => ({ task: each.task, section: each.type, crit: !!each.crit, done: !!each.done, seconds: (each.endTime - each.startTime) / 1000 }));
    found.push({ tasks, links: db.getLinks().size, title: db.getDiagramTitle() });
  } catch (error) {
    found.push({ complaint: String(error).slice(0, 300) });
  }
}
console.log(JSON.stringify(found));
