package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"countersign/internal/mtatest"
	"countersign/internal/pgtest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"countersign": func() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
		"exits":       exits,
	})
}

// The commands as an operator types them, with their exit codes: 0 done, 1 the
// world refused, 2 the command line, environment or file is wrong. Each script
// runs once on SQLite and once on PostgreSQL.
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
				Setup: func(e *testscript.Env) error {
					e.Setenv("GORACE", "atexit_sleep_ms=0") // no command ends a second later because it is watched
					e.Setenv("MTA", mta.URL())
					engine(e)
					return nil
				},
			})
		})
	}
}
