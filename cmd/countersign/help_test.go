package main

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// settingsIn returns the settings among the flags that a command's help lists.
func settingsIn(t *testing.T, args ...string) []string {
	t.Helper()
	var out bytes.Buffer
	if code := run(append(args, "--help"), strings.NewReader(""), &out, &out); code != 0 || !strings.Contains(out.String(), "Usage: countersign") {
		t.Fatalf("%v --help ends with %d:\n%s", args, code, &out)
	}
	var all []string
	for _, flag := range regexp.MustCompile(`(?m)^ +(?:-h, )?--([a-z-]+)`).FindAllStringSubmatch(out.String(), -1) {
		all = append(all, flag[1])
	}
	return all
}

// The help of a command lists the settings that it reads, and not those of a node.
func TestHelpListsWhatACommandReads(t *testing.T) {
	every := settingsIn(t, "serve")
	for _, setting := range []string{"public-url", "listen", "ops-listen", "data", "database", "trusted-proxy", "smtp-url", "sms-budget", "log-level"} {
		if !slices.Contains(every, setting) {
			t.Errorf("serve does not list %s: %v", setting, every)
		}
	}
	if got := settingsIn(t); len(got) != len(every) {
		t.Errorf("the program lists %v, a node %v", got, every)
	}
	for command, want := range map[string][]string{
		"version":               {"help"},
		"password-filter build": {"help", "from", "to", "at-least"},
		"demo":                  {"help", "config", "trusted-proxy", "breached-passwords", "port", "json"},
	} {
		if got := settingsIn(t, strings.Fields(command)...); !slices.Equal(got, want) {
			t.Errorf("%s lists %v, want %v", command, got, want)
		}
	}
	for _, command := range []string{"user add", "user", "agency list", "audit verify", "key rotate", "doctor", "message test", "preference set"} {
		got := settingsIn(t, strings.Fields(command)...)
		for _, setting := range every {
			if slices.Contains(got, setting) == slices.Contains(nodeSettings, setting) {
				t.Errorf("%s and --%s: listed %v", command, setting, slices.Contains(got, setting))
			}
		}
	}
}
