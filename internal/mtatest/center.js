// center.js PORT LOG [KEY CERTIFICATE]: a message center made with the npm
// package smpp, over TCP or TLS. Login cs, password secret. It writes a line into
// LOG for each thing that happens, and the last two digits of a number choose
// what becomes of its text:
//
//   10 the receipt comes in one piece with the answer   30 there is never an answer
//   11 the receipt comes before the answer              31 the link is cut before the answer, the first time
//   12 the receipt comes twice                          32 the link is cut after the answer; the receipt comes by the next link
//   13 a receipt for nobody's text comes first          33 it says good-bye instead of an answer, the first time
//   14 the receipt writes the number in hexadecimal     34 it says good-bye after the answer
//   15 it could not be delivered                        35 it asks whether the link lives, and answers when it knows
//   16 it could not be delivered; then it was           36 half a unit, then silence, the first time
//   20 too many messages (0x58)                         37 a unit of an absurd length, the first time
//   21 the queue is full (0x14)                         38 the answer takes three seconds
//   22 there is no such number (0x0b)
//
// Every other text is taken, and a receipt says a little later that it was delivered.
'use strict';
const smpp = require('smpp');
const fs = require('fs');

const [port, log, key, certificate] = process.argv.slice(2);
const note = (...words) => fs.appendFileSync(log, words.join(' ') + '\n');
const known = new Set();  // numbers that had a text
const links = new Set();
let waiting = [];         // receipts for the next link
let taken = 0;

// together lets what is sent go out as one piece.
function together(link, send) {
  link.socket.cork();
  send();
  link.socket.uncork();
}

function receipt(link, text, id, state) {
  const delivered = state === 'DELIVRD';
  link.deliver_sm({
    source_addr: text.destination_addr, destination_addr: text.source_addr, esm_class: 4,
    receipted_message_id: id, message_state: delivered ? 2 : 5,
    short_message: `id:${id} sub:001 dlvrd:${delivered ? '001' : '000'} submit date:2611031000 done date:2611031000 stat:${state} err:000 text:`,
  });
}

function submitted(link, text) {
  const to = text.destination_addr;
  const what = to.slice(-2);
  const first = !known.has(to);
  known.add(to);
  const number = 1000 + ++taken;
  const id = String(number);
  note('text', text.source_addr, to, text.data_coding, text.esm_class, text.validity_period ? 'limited' : 'unlimited');
  const refuse = status => link.send(text.response({command_status: status}));
  const answer = () => link.send(text.response({message_id: id}));
  const tell = (state = 'DELIVRD', by = id) => { if (text.registered_delivery & 1) receipt(link, text, by, state); };
  const later = (ms, ...does) => does.forEach((f, i) => setTimeout(() => { if (links.has(link)) f(); }, ms * (i + 1)));

  switch (what) {
    case '10': return together(link, () => { answer(); tell(); });
    case '11': tell(); return later(50, answer);
    case '12': answer(); return later(100, tell, tell);
    case '13': answer(); return later(100, () => tell('DELIVRD', '99999999'), tell);
    case '14': answer(); return later(100, () => tell('DELIVRD', number.toString(16)));
    case '15': answer(); return later(100, () => tell('UNDELIV'));
    case '16': answer(); return later(300, () => tell('UNDELIV'), tell);
    case '20': return refuse(smpp.ESME_RTHROTTLED);
    case '21': return refuse(smpp.ESME_RMSGQFUL);
    case '22': return refuse(smpp.ESME_RINVDSTADR);
    case '30': return undefined;
    case '32':
      answer();
      waiting.push(next => receipt(next, text, id, 'DELIVRD'));
      return later(100, () => link.destroy());
    case '34': answer(); waiting.push(next => receipt(next, text, id, 'DELIVRD')); return link.unbind();
    case '35': return link.enquire_link(() => { note('alive', to); answer(); later(50, tell); });
    case '38': return later(3000, answer, tell);
  }
  if (first) {
    switch (what) {
      case '31': return link.destroy();
      case '33': return link.unbind();
      case '36': return link.socket.write(Buffer.from([0, 0, 0, 64, 0x80, 0, 0]));
      case '37': return link.socket.write(Buffer.from('ffffffff800000040000000000000001', 'hex'));
    }
  }
  answer();
  return later(50, tell);
}

function serve(link) {
  let right = false;
  link.on('error', () => link.destroy());
  link.on('close', () => links.delete(link));
  link.on('bind_transceiver', unit => {
    right = unit.system_id === 'cs' && unit.password === 'secret';
    note(right ? 'bound' : 'refused', unit.system_id);
    link.send(unit.response({command_status: right ? 0 : smpp.ESME_RBINDFAIL, system_id: 'CENTER'}));
    if (!right) return link.close();
    links.add(link);
    const receipts = waiting;
    waiting = [];
    receipts.forEach(send => send(link));
  });
  link.on('enquire_link', unit => link.send(unit.response()));
  link.on('unbind', unit => { note('unbound'); link.send(unit.response()); link.close(); });
  link.on('deliver_sm_resp', () => note('thanked'));
  link.on('submit_sm', unit => right ? submitted(link, unit) : link.send(unit.response({command_status: smpp.ESME_RINVBNDSTS})));
}

const secured = key ? {key: fs.readFileSync(key), cert: fs.readFileSync(certificate)} : {};
smpp.createServer(secured, serve).listen(Number(port), '127.0.0.1', () => console.log('ok listening'));
