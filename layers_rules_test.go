package countersign_test

import (
	"slices"
	"testing"
)

func TestEachRuleCatchesWhatBreaksIt(t *testing.T) {
	for _, c := range []struct {
		rule, file, text string
		caught           bool
	}{
		{"every package has a place in the layout", "internal/unlisted/a.go", `package unlisted`, true},
		{"every package has a place in the layout", "internal/policy/signin.go", `package policy`, false},

		{"a package imports lower layers only", "internal/signin/a.go", `package signin; import "countersign/internal/admin"`, true},
		{"a package imports lower layers only", "internal/store/a.go", `package store; import "countersign/internal/web"`, true},
		{"a package imports lower layers only", "a.go", `package countersign; import "countersign/internal/secret"`, true},
		{"a package imports lower layers only", "internal/config/a.go", `package config; import "countersign/internal/secret"`, true},
		{"a package imports lower layers only", "internal/secret/a.go", `package secret; import "countersign"`, false},
		{"a package imports lower layers only", "internal/signin/a.go", `package signin; import "countersign/internal/store"`, false},
		{"a package imports lower layers only", "internal/apptest/a.go", `package apptest; import "countersign/internal/pgtest"`, false},

		{"a handler never imports the store", "internal/web/a.go", `package web; import "countersign/internal/store"`, true},
		{"a handler never imports the store", "internal/ops/a.go", `package ops; import memory "countersign/internal/store"`, true},
		{"a handler never imports the store", "internal/web/a.go", `package web; import "countersign/internal/signin"`, false},

		{"only tests import test support", "cmd/countersign/a.go", `package main; import "countersign/internal/apptest"`, true},
		{"only tests import test support", "internal/apptest/a.go", `package apptest; import "countersign/internal/mtatest"`, false},

		{"domain and policy are pure", "a.go", `package countersign; import "database/sql"`, true},
		{"domain and policy are pure", "internal/policy/a.go", `package policy; import "net/http"`, true},
		{"domain and policy are pure", "internal/factor/a.go", `package factor; import "os/exec"`, true},
		{"domain and policy are pure", "internal/factor/a.go", `package factor; import "database/sql/driver"`, true},
		{"domain and policy are pure", "internal/policy/a.go", `package policy; import "net/netip"`, false},

		{"time is an argument below the handlers", "internal/policy/a.go", `package policy; import "time"; var now = time.Now()`, true},
		{"time is an argument below the handlers", "internal/store/a.go", `package store; import "time"; var now = time.Now`, true},
		{"time is an argument below the handlers", "internal/signin/a.go", `package signin; import clock "time"; var t clock.Time; var d = clock.Since(t)`, true},
		{"time is an argument below the handlers", "internal/admin/a.go", `package admin; import . "time"; var now = Now()`, true},
		{"time is an argument below the handlers", "internal/admin/a.go", `package admin; import "time"; var day = 24 * time.Hour`, false},
		{"time is an argument below the handlers", "internal/web/a.go", `package web; import "time"; var now = time.Now()`, false},

		{"only handlers and senders use HTTP", "internal/signin/a.go", `package signin; import "net/http"`, true},
		{"only handlers and senders use HTTP", "internal/store/a.go", `package store; import _ "net/http/pprof"`, true},
		{"only handlers and senders use HTTP", "internal/edge/a.go", `package edge; import "net/http"`, false},

		{"only the store holds SQL text", "internal/web/a.go", "package web; const q = `\n\tSELECT id FROM users`", true},
		{"only the store holds SQL text", "internal/admin/a.go", `package admin; const q = "UPDATE users SET name = $1"`, true},
		{"only the store holds SQL text", "internal/web/a.go", `package web; const route = "DELETE /admin/users/{id}"`, false},
		{"only the store holds SQL text", "internal/web/a.go", `package web; const label = "Update the user"`, false},
		{"only the store holds SQL text", "internal/store/a.go", `package store; const q = "DELETE FROM users"`, false},

		{"a package is named for what it is", "internal/util/a.go", `package util`, true},
		{"a package is named for what it is", "internal/edge/helpers/a.go", `package helpers`, true},
		{"a package is named for what it is", "internal/edge/a.go", `package edge`, false},
	} {
		s, err := parse(c.file, c.text)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(rules, func(r rule) bool { return r.name == c.rule })
		if i < 0 {
			t.Fatalf("no rule is called %q", c.rule)
		}
		if got := rules[i].check(s); (len(got) > 0) != c.caught {
			t.Errorf("%s\n%s: %s\ngot %q, want caught: %v", c.rule, c.file, c.text, got, c.caught)
		}
	}
}

func TestPackageWithoutACommentIsFound(t *testing.T) {
	var sources []source
	for file, text := range map[string]string{
		"internal/edge/a.go":  "// Package edge has a comment.\npackage edge",
		"internal/edge/b.go":  "package edge",
		"internal/store/a.go": "// A remark about the file.\n\npackage store",
	} {
		s, err := parse(file, text)
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, s)
	}
	if got, want := withoutComment(sources), []string{"countersign/internal/store"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
