package countersign_test

import (
	"slices"
	"testing"
)

func TestEachWallCatchesWhatBreaksIt(t *testing.T) {
	for _, c := range []struct {
		wall, file, text string
		caught           bool
	}{
		{"every package has its place in the plan", "internal/cellar/wine.go", `package cellar`, true},
		{"every package has its place in the plan", "internal/policy/signin.go", `package policy`, false},

		{"a package imports lower floors only", "internal/signin/a.go", `package signin; import "countersign/internal/admin"`, true},
		{"a package imports lower floors only", "internal/store/a.go", `package store; import "countersign/internal/web"`, true},
		{"a package imports lower floors only", "a.go", `package countersign; import "countersign/internal/secret"`, true},
		{"a package imports lower floors only", "internal/config/a.go", `package config; import "countersign/internal/secret"`, true},
		{"a package imports lower floors only", "internal/secret/a.go", `package secret; import "countersign"`, false},
		{"a package imports lower floors only", "internal/signin/a.go", `package signin; import "countersign/internal/store"`, false},
		{"a package imports lower floors only", "internal/apptest/a.go", `package apptest; import "countersign/internal/pgtest"`, false},

		{"a door never imports the store", "internal/web/a.go", `package web; import "countersign/internal/store"`, true},
		{"a door never imports the store", "internal/ops/a.go", `package ops; import memory "countersign/internal/store"`, true},
		{"a door never imports the store", "internal/web/a.go", `package web; import "countersign/internal/signin"`, false},

		{"only tests import test support", "cmd/countersign/a.go", `package main; import "countersign/internal/apptest"`, true},
		{"only tests import test support", "internal/apptest/a.go", `package apptest; import "countersign/internal/mtatest"`, false},

		{"words and rules are pure", "a.go", `package countersign; import "database/sql"`, true},
		{"words and rules are pure", "internal/policy/a.go", `package policy; import "net/http"`, true},
		{"words and rules are pure", "internal/factor/a.go", `package factor; import "os/exec"`, true},
		{"words and rules are pure", "internal/factor/a.go", `package factor; import "database/sql/driver"`, true},
		{"words and rules are pure", "internal/policy/a.go", `package policy; import "net/netip"`, false},

		{"time is an argument below the doors", "internal/policy/a.go", `package policy; import "time"; var now = time.Now()`, true},
		{"time is an argument below the doors", "internal/store/a.go", `package store; import "time"; var now = time.Now`, true},
		{"time is an argument below the doors", "internal/signin/a.go", `package signin; import clock "time"; var t clock.Time; var d = clock.Since(t)`, true},
		{"time is an argument below the doors", "internal/admin/a.go", `package admin; import . "time"; var now = Now()`, true},
		{"time is an argument below the doors", "internal/admin/a.go", `package admin; import "time"; var day = 24 * time.Hour`, false},
		{"time is an argument below the doors", "internal/web/a.go", `package web; import "time"; var now = time.Now()`, false},

		{"HTTP is spoken at the edge of the house only", "internal/signin/a.go", `package signin; import "net/http"`, true},
		{"HTTP is spoken at the edge of the house only", "internal/store/a.go", `package store; import _ "net/http/pprof"`, true},
		{"HTTP is spoken at the edge of the house only", "internal/edge/a.go", `package door; import "net/http"`, false},

		{"SQL text stands in the store only", "internal/web/a.go", "package web; const q = `\n\tSELECT id FROM users`", true},
		{"SQL text stands in the store only", "internal/admin/a.go", `package admin; const q = "UPDATE users SET name = $1"`, true},
		{"SQL text stands in the store only", "internal/web/a.go", `package web; const route = "DELETE /admin/users/{id}"`, false},
		{"SQL text stands in the store only", "internal/web/a.go", `package web; const label = "Update the user"`, false},
		{"SQL text stands in the store only", "internal/store/a.go", `package store; const q = "DELETE FROM users"`, false},

		{"a package is named for what it is", "internal/util/a.go", `package util`, true},
		{"a package is named for what it is", "internal/edge/helpers/a.go", `package helpers`, true},
		{"a package is named for what it is", "internal/edge/a.go", `package door`, false},
	} {
		s, err := parse(c.file, c.text)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(walls, func(w wall) bool { return w.name == c.wall })
		if i < 0 {
			t.Fatalf("no wall is called %q", c.wall)
		}
		if got := walls[i].check(s); (len(got) > 0) != c.caught {
			t.Errorf("%s\n%s: %s\ngot %q, want caught: %v", c.wall, c.file, c.text, got, c.caught)
		}
	}
}

func TestAPackageWithoutACommentIsFound(t *testing.T) {
	var sources []source
	for file, text := range map[string]string{
		"internal/edge/a.go":  "// Package edge has a comment.\npackage door",
		"internal/edge/b.go":  "package door",
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
