package main_test

import (
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"countersign/internal/pgtest"
)

// AU-03, WB-05: the audit commands beside a running node, on both engines: filters, exports without
// formulas, a log that verifies, and one that was tampered with: exit code 1, and the row.
func TestAuditCommands(t *testing.T) {
	binary := build(t)
	for _, engine := range []string{"SQLite", "PostgreSQL"} {
		t.Run(engine, func(t *testing.T) {
			data, port := t.TempDir(), freePort(t)
			file := filepath.Join(data, "countersign.db")
			database, driver, raw := "sqlite:"+file, "sqlite", "file:"+file+"?_busy_timeout=10000"
			if engine == "PostgreSQL" {
				database = pgtest.DSN(t)
				driver, raw = "pgx", pgtest.Superuser(t, database)
			}
			n := &node{t: t, binary: binary, args: []string{"--public-url", "http://localhost:" + port, "--listen", "127.0.0.1:" + port,
				"--ops-listen", "127.0.0.1:" + freePort(t), "--data", data, "--database", database, "--log-level", "error"}}
			n.start()
			for _, login := range []string{"BSMITH", "CBILLS"} {
				n.run("correct horse battery staple\n", "user", "add", "--id", login, "--name", "Sample", "--email", login+"@acme.example", "--password-file", "-")
			}
			n.run("", "user", "reset-two-factor", "--id", "CBILLS", "--reason", `=HYPERLINK("https://evil.example")`)

			if said := n.run("", "audit", "list", "--subject", "CBILLS"); strings.Contains(said, "BSMITH") || !strings.Contains(said, "two-factor.reset") {
				t.Errorf("audit list said\n%s", said)
			}
			var rows []map[string]any
			if err := json.Unmarshal([]byte(n.run("", "audit", "list", "--action", "user.", "--limit", "1", "--json")), &rows); err != nil || len(rows) != 1 || rows[0]["subject"] != "CBILLS" {
				t.Errorf("audit list --json: %v %v", rows, err)
			}
			if said := n.run("", "audit", "list", "--until", "2020-01-01"); strings.Count(said, "\n") != 1 {
				t.Errorf("before there was anything: %s", said)
			}
			table, err := csv.NewReader(strings.NewReader(n.run("", "audit", "export", "--format", "csv"))).ReadAll()
			if err != nil || len(table) < 4 {
				t.Fatalf("%d lines: %v", len(table), err)
			}
			for _, line := range table[1:] {
				for _, cell := range line {
					if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") {
						t.Errorf("a cell that a spreadsheet computes: %q", cell)
					}
				}
			}
			for line := range strings.Lines(n.run("", "audit", "export")) {
				var one map[string]any
				if err := json.Unmarshal([]byte(line), &one); err != nil || one["agency"] != "MAIN" || one["time"] == "" {
					t.Errorf("%s: %v", line, err)
				}
			}

			kept := filepath.Join(t.TempDir(), "checkpoint")
			said := n.run("", "audit", "verify")
			if !strings.Contains(said, "unchanged and in order") || !strings.Contains(said, "countersign-checkpoint-1 ") {
				t.Errorf("audit verify said %s", said)
			}
			if err := os.WriteFile(kept, []byte(said), 0o600); err != nil {
				t.Fatal(err)
			}
			n.run("", "user", "edit", "--id", "BSMITH", "--name", "Robert Smith", "--reason", "married")
			n.run("", "audit", "verify", "--checkpoint", kept)

			db, err := sql.Open(driver, raw)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = db.Close() }()
			tamper := func(statements ...string) {
				t.Helper()
				for _, s := range statements {
					if _, err := db.ExecContext(t.Context(), s); err != nil {
						t.Fatalf("%s: %v", s, err)
					}
				}
			}
			found := func(want string, args ...string) {
				t.Helper()
				c := exec.Command(binary, append(append([]string{"audit", "verify"}, args...), n.args...)...)
				out, _ := c.CombinedOutput()
				if c.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), want) {
					t.Errorf("exit code %d, %s; want 1 and %q", c.ProcessState.ExitCode(), out, want)
				}
			}
			tamper(`UPDATE event SET actor = 'nobody' WHERE seq = 2`)
			found("MAIN: row 2 was changed")
			tamper(`UPDATE event SET actor = 'operator' WHERE seq = 2`)
			n.run("", "audit", "verify")
			tamper(`DELETE FROM event WHERE seq > 2`, `DELETE FROM checkpoint`, `UPDATE event_head SET seq = 2, digest = (SELECT digest FROM event WHERE seq = 2)`)
			n.run("", "audit", "verify") // the database is consistent, so only an external checkpoint can reveal it
			tamper(`DELETE FROM checkpoint`)
			found("are missing from the end: a checkpoint of", "--checkpoint", kept)
			if err := os.WriteFile(kept, []byte(strings.ReplaceAll(said, "Z ", "Z x")), 0o600); err != nil {
				t.Fatal(err)
			}
			found("that was given is not signed by this installation", "--checkpoint", kept)
		})
	}
}
