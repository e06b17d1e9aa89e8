package web

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"countersign"
	"countersign/internal/admin"
)

// Every kind of message has a name on a user's page.
func TestEveryKindHasAName(t *testing.T) {
	source, err := os.ReadFile("../../message.go")
	if err != nil {
		t.Fatal(err)
	}
	kinds := regexp.MustCompile(`Message\w+\s+MessageKind = "([a-z-]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(kinds) < 18 {
		t.Fatalf("%d kinds: the test looks at the wrong place", len(kinds))
	}
	for _, k := range kinds {
		if templatesByKind[countersign.MessageKind(k[1])] == "" {
			t.Errorf("messages of kind %q have no name", k[1])
		}
		if n := len(slices.DeleteFunc(slices.Clone(messageKinds), func(o option) bool { return o.Value != k[1] })); n != 1 {
			t.Errorf("the list can be narrowed to kind %q in %d ways", k[1], n)
		}
	}
}

// A message under way has not failed, and without a server's answer nothing is quoted.
func TestWhereAMessageStands(t *testing.T) {
	for name, tt := range map[string]struct {
		m           countersign.Message
		state, says string // in the list, and on the message's own page
	}{
		"queued":          {countersign.Message{State: countersign.StateWaiting}, "Waiting", ""},
		"handed over":     {countersign.Message{State: countersign.StateSending, Tries: 1}, "Waiting", "Being handed over; there is no answer yet"},
		"tried once":      {countersign.Message{State: countersign.StateWaiting, Tries: 1, Server: "mail.acme.example", Answer: "450 4.2.1 Mailbox busy."}, "Waiting: one try failed", `Next try, after mail.acme.example said: "450 4.2.1 Mailbox busy"`},
		"away":            {countersign.Message{State: countersign.StateWaiting, Tries: 3, Server: "mail.acme.example", Answer: "it can't be reached"}, "Waiting: 3 tries failed", "Next try, after mail.acme.example: it can't be reached"},
		"once more":       {countersign.Message{State: countersign.StateSending, Tries: 2, Server: "mail.acme.example", Answer: "it can't be reached"}, "Waiting: one try failed", "Next try, after mail.acme.example: it can't be reached"},
		"no server asked": {countersign.Message{State: countersign.StateWaiting, Tries: 1, Answer: "no way out is set"}, "Waiting: one try failed", "Next try, after no way out is set"},
	} {
		if got, _ := stateOf(tt.m); got != tt.state {
			t.Errorf("%s: the list says %q, want %q", name, got, tt.state)
		}
		p := messagePage{messageLine: messageLine{MessageRow: admin.MessageRow{Message: tt.m}}}
		steps := p.steps()
		if last := steps[len(steps)-1].Text; tt.says != "" && last != tt.says || tt.says == "" && len(steps) != 1 {
			t.Errorf("%s: the page says %q, want %q", name, last, tt.says)
		}
		if a := p.alert(); (a != nil) != failed(tt.m) {
			t.Errorf("%s: above the page stands %+v", name, a)
		}
		if !p.Waits() {
			t.Errorf("%s: what it says is sealed until it is sent", name)
		}
	}
}
