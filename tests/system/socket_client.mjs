// socket.io-client as a page would use it, told what to do line by line (JSON in, JSON out).
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [url, transports, folder, auth] = process.argv.slice(2);
const { io } = createRequire(`${folder}/package.json`)("socket.io-client");
const say = (line) => process.stdout.write(JSON.stringify(line) + "\n");

const socket = io(url, {
  transports: transports.split(","),
  auth: JSON.parse(auth),
  reconnectionDelay: 50,
  reconnectionDelayMax: 100,
  forceNew: true,
});

socket.on("connect", () => say({ is: "connect", transport: socket.io.engine.transport.name }));
socket.on("disconnect", (reason, details) => {
  say({ is: "disconnect", reason, code: details?.context?.code });
});
socket.on("connect_error", (error) => {
  say({ is: "refused", message: error.message, data: error.data ?? null });
});
socket.onAny((event, data) => say({ is: "event", event, data }));
socket.io.on("reconnect_attempt", () => say({ is: "reconnecting" }));
socket.io.engine.on("upgrade", (transport) => say({ is: "upgrade", transport: transport.name }));

createInterface({ input: process.stdin })
  .on("line", async (line) => {
    const { number, event, given } = JSON.parse(line);
    const answer = await socket.timeout(10000).emitWithAck(event, ...given);
    say({ is: "answer", number, answer });
  })
  .on("close", () => process.exit(0));
