// Package smpp is a client for SMPP 3.4, as far as needed to send text messages through a
// gateway and to receive delivery receipts.
package smpp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The supported commands.
const (
	genericNack         = 0x80000000
	bindTransceiver     = 0x00000009
	bindTransceiverResp = 0x80000009
	submitSM            = 0x00000004
	submitSMResp        = 0x80000004
	deliverSM           = 0x00000005
	deliverSMResp       = 0x80000005
	unbind              = 0x00000006
	unbindResp          = 0x80000006
	enquireLink         = 0x00000015
	enquireLinkResp     = 0x80000015
	isResponse          = 0x80000000
)

// The limits of a PDU in bytes; any other length is not SMPP.
const (
	headerLength = 16
	maxPDU       = 64 << 10
)

// A pdu is one protocol data unit.
type pdu struct {
	command  uint32
	status   Status
	sequence uint32
	body     []byte
}

var errLength = errors.New("smpp: invalid PDU length")

func readPDU(r io.Reader) (pdu, error) {
	var head [headerLength]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return pdu{}, err
	}
	length := binary.BigEndian.Uint32(head[:])
	if length < headerLength || length > maxPDU {
		return pdu{}, errLength
	}
	p := pdu{
		command:  binary.BigEndian.Uint32(head[4:]),
		status:   Status(binary.BigEndian.Uint32(head[8:])),
		sequence: binary.BigEndian.Uint32(head[12:]),
		body:     make([]byte, length-headerLength),
	}
	_, err := io.ReadFull(r, p.body)
	return p, err
}

func (p pdu) bytes() []byte {
	all := make([]byte, headerLength, headerLength+len(p.body))
	binary.BigEndian.PutUint32(all, uint32(headerLength+len(p.body)))
	binary.BigEndian.PutUint32(all[4:], p.command)
	binary.BigEndian.PutUint32(all[8:], uint32(p.status))
	binary.BigEndian.PutUint32(all[12:], p.sequence)
	return append(all, p.body...)
}

// A Status is the result of a command; 0 means success.
type Status uint32

// The statuses that are handled.
const (
	SystemError    Status = 0x08
	BadDestination Status = 0x0b
	BindFailed     Status = 0x0d
	BadPassword    Status = 0x0e
	QueueFull      Status = 0x14
	SubmitFailed   Status = 0x45
	Throttled      Status = 0x58
)

var statusNames = map[Status]string{
	SystemError:    "system error",
	BadDestination: "no such number",
	BindFailed:     "login failed",
	BadPassword:    "wrong password",
	QueueFull:      "queue full",
	SubmitFailed:   "not taken",
	Throttled:      "too many messages",
}

// Known reports whether the status is defined by the protocol. Gateways may send any number
// instead.
func (s Status) Known() bool { return statusNames[s] != "" || s < 0x100 }

func (s Status) Error() string {
	if name := statusNames[s]; name != "" {
		return fmt.Sprintf("0x%02x %s", uint32(s), name)
	}
	return fmt.Sprintf("0x%02x", uint32(s))
}

// A writer builds the body of a PDU.
type writer struct{ bytes []byte }

func (w *writer) text(s string)  { w.bytes = append(append(w.bytes, s...), 0) }
func (w *writer) octet(b ...int) { w.bytes = append(w.bytes, octets(b)...) }

func octets(all []int) []byte {
	bytes := make([]byte, len(all))
	for i, b := range all {
		bytes[i] = byte(b)
	}
	return bytes
}

// A reader reads the fields of a body. Missing fields are empty and set short.
type reader struct {
	bytes []byte
	short bool
}

func (r *reader) text() string {
	for i, b := range r.bytes {
		if b == 0 {
			s := string(r.bytes[:i])
			r.bytes = r.bytes[i+1:]
			return s
		}
	}
	r.short = true
	s := string(r.bytes)
	r.bytes = nil
	return s
}

func (r *reader) take(n int) []byte {
	if n > len(r.bytes) {
		r.short, n = true, len(r.bytes)
	}
	taken := r.bytes[:n]
	r.bytes = r.bytes[n:]
	return taken
}

func (r *reader) octet() int {
	b := r.take(1)
	if len(b) == 0 {
		return 0
	}
	return int(b[0])
}

// parameters returns the optional parameters that follow the fixed fields.
func (r *reader) parameters() map[uint16][]byte {
	all := map[uint16][]byte{}
	for len(r.bytes) >= 4 {
		head := r.take(4)
		all[binary.BigEndian.Uint16(head)] = r.take(int(binary.BigEndian.Uint16(head[2:])))
	}
	return all
}
