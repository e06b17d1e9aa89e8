package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// Characters that control a terminal or change the writing direction are escaped in every form of
// output: tables, facts, JSON and CSV.
func TestPrintedTextSteersNoTerminal(t *testing.T) {
	name := "Bob\u009b31m\u202egnp.\u2066x\u200f\x1b[2J\x7f\u2028\U000e0041 Smith"
	var b bytes.Buffer
	c := &console{out: &b}
	if err := c.table([][]string{{name, "next"}}); err != nil {
		t.Fatal(err)
	}
	if err := c.facts([][2]string{{"Name", name}}); err != nil {
		t.Fatal(err)
	}
	if err := c.json(map[string]string{"name": name}); err != nil {
		t.Fatal(err)
	}
	text := b.String() + escapeFormula(name) + lines(name+"\n"+name)
	if strings.ContainsFunc(strings.ReplaceAll(text, "\n", ""), isTerminalControl) {
		t.Errorf("printed raw: %q", text)
	}
	if !strings.Contains(text, `Bob\u009b31m\u202egnp.\u2066x\u200f`) || !strings.Contains(text, `\udb40\udc41 Smith`) {
		t.Errorf("not escaped: %s", text)
	}
	var read map[string]string
	last := strings.Split(strings.TrimSpace(b.String()), "\n")
	if err := json.Unmarshal([]byte(last[len(last)-1]), &read); err != nil || read["name"] != name {
		t.Errorf("JSON reads as %q: %v", read["name"], err)
	}
}
