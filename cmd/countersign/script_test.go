package main

import (
	"encoding/binary"
	"os"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/rogpeppe/go-internal/testscript"

	"countersign/internal/mtatest"
	"countersign/internal/pgtest"
)

func TestMain(m *testing.M) {
	fullDisk()
	testscript.Main(m, map[string]func(){
		"countersign": func() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
		"exits":       exits,
	})
}

// asWindows rewrites files the way Windows PowerShell does: UTF-16 with a byte order mark and CR
// LF. They keep their mode.
func asWindows(ts *testscript.TestScript, _ bool, files []string) {
	for _, file := range files {
		path := ts.MkAbs(file)
		text, err := os.ReadFile(path)
		ts.Check(err)
		info, err := os.Stat(path)
		ts.Check(err)
		units := utf16.Encode([]rune("\ufeff" + strings.ReplaceAll(string(text), "\n", "\r\n")))
		data := make([]byte, 0, 2*len(units))
		for _, unit := range units {
			data = binary.LittleEndian.AppendUint16(data, unit)
		}
		ts.Check(os.WriteFile(path, data, info.Mode()))
	}
}

// The commands as an operator types them, with their exit codes: 0 done, 1 failed, 2 invalid
// command line, environment or file. Each script runs on SQLite and on PostgreSQL.
func TestCommands(t *testing.T) {
	engines := map[string]func(*testscript.Env){
		"SQLite": func(*testscript.Env) {},
		"PostgreSQL": func(e *testscript.Env) {
			e.Setenv("COUNTERSIGN_DATABASE", pgtest.DSN(e.T().(testing.TB)))
		},
	}
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			mta := mtatest.Start(t)
			testscript.Run(t, testscript.Params{
				Dir:                 "testdata",
				RequireExplicitExec: true,
				Cmds:                map[string]func(*testscript.TestScript, bool, []string){"utf16": asWindows},
				Setup: func(e *testscript.Env) error {
					e.Setenv("GORACE", "atexit_sleep_ms=0") // the race detector must not delay the end of each command by a second
					e.Setenv("MTA", mta.URL())
					engine(e)
					return nil
				},
			})
		})
	}
}
