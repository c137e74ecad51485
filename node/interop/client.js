// A device of the LwM2M 1.0 era, made of the npm package coap-node, for the
// test beside it: node client.js HOST PORT ENDPOINT. What happens to it is told
// on standard output, a JSON array a line; what it shall do comes in on
// standard input: "set /o/i/r JSON", "update SECONDS", "deregister".
'use strict';

// The package asks the system for its network unless it believes itself to be
// under test; the answer is not needed.
process.env.npm_lifecycle_event = 'test';

const readline = require('readline');
const CoapNode = require('coap-node');
const SmartObject = require('smartobject');

const [host, port, endpoint] = process.argv.slice(2);

function tell(...what) {
  process.stdout.write(JSON.stringify(what) + '\n');
}

const objects = new SmartObject();
objects.init(3303, 0, { 5700: 21.5, 5701: 'Cel', 5605: { exec: (...args) => {
  const done = args.pop();
  tell('executed', args);
  done(null, 'reset');
} } });
objects.init(3311, 0, { 5850: false, 5851: 10, 5701: 'lx' });

const device = new CoapNode(endpoint, objects, { lifetime: 3600, version: '1.0', manuf: 'Muscardinus' });
device.on('error', (err) => tell('error', String(err)));

const commands = {
  set(path, value) {
    const [object, instance, resource] = path.slice(1).split('/').map(Number);
    objects.write(object, instance, resource, JSON.parse(value), (err) => tell('set', path, err ? String(err) : null));
  },
  update(seconds) {
    device.update({ lifetime: Number(seconds) }, (err, answer) => tell('updated', err ? String(err) : answer.status));
  },
  deregister() {
    device.deregister((err, answer) => tell('deregistered', err ? String(err) : answer.status));
  },
};

device.register(host, Number(port), (err, answer) => tell('registered', err ? String(err) : answer.status, device.locationPath));

readline.createInterface({ input: process.stdin })
  .on('line', (line) => { const [name, ...args] = line.split(' '); commands[name](...args); })
  .on('close', () => process.exit(0));
