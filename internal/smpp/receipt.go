package smpp

import (
	"regexp"
	"strconv"
	"strings"
)

// A Receipt is what the gateway reports about a message that it accepted.
type Receipt struct {
	IDs       []string // its ID of the message; some gateways write the number in another base
	State     string   // DELIVRD, UNDELIV, EXPIRED, REJECTD, …
	Delivered bool
	Final     bool // it will not change any more
}

// The optional parameters of a receipt.
const (
	tagMessageID = 0x001e
	tagState     = 0x0427
)

// states are the values of the optional parameter.
var states = map[byte]string{1: "ENROUTE", 2: "DELIVRD", 3: "EXPIRED", 4: "DELETED", 5: "UNDELIV", 6: "ACCEPTD", 7: "UNKNOWN", 8: "REJECTD"}

var (
	idInText    = regexp.MustCompile(`(?i)\bid:(\S+)`)
	stateInText = regexp.MustCompile(`(?i)\bstat:(\S+)`)
)

// receiptOf parses a deliver_sm; false if it is not a receipt but an incoming text.
func receiptOf(body []byte) (Receipt, bool) {
	r := reader{bytes: body}
	r.text() // service
	for range 2 {
		r.take(2)
		r.text() // address
	}
	class := r.octet()
	r.take(2)
	r.text()
	r.text()
	r.take(4)
	text := string(r.take(r.octet()))
	parameters := r.parameters()
	if class&0x3c != 0x04 {
		return Receipt{}, false
	}
	var receipt Receipt
	id := strings.TrimRight(string(parameters[tagMessageID]), "\x00")
	if m := idInText.FindStringSubmatch(text); id == "" && m != nil {
		id = m[1]
	}
	if m := stateInText.FindStringSubmatch(text); m != nil {
		receipt.State = strings.ToUpper(m[1])
	}
	if s := parameters[tagState]; len(s) == 1 && states[s[0]] != "" {
		receipt.State = states[s[0]]
	}
	receipt.IDs = spellings(id)
	receipt.Delivered = receipt.State == "DELIVRD"
	receipt.Final = receipt.Delivered || receipt.State == "UNDELIV" || receipt.State == "EXPIRED" || receipt.State == "REJECTD" || receipt.State == "DELETED"
	return receipt, id != ""
}

// spellings returns the forms in which a gateway may have written an ID before: unchanged,
// then in the other base.
func spellings(id string) []string {
	all := []string{id}
	if n, err := strconv.ParseUint(id, 10, 64); err == nil {
		hex := strconv.FormatUint(n, 16)
		all = append(all, hex, strings.ToUpper(hex))
	}
	if n, err := strconv.ParseUint(id, 16, 64); err == nil {
		all = append(all, strconv.FormatUint(n, 10))
	}
	return all
}
