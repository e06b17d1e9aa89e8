package main

import (
	"io"
	"path/filepath"
	"testing"
	"time"

	"countersign/internal/config"
	"countersign/internal/pgtest"
)

// KY-03: a process that has read the key file just before a rotation reads it again when it starts
// to work. It neither fails nor seals with the retired key.
func TestAProcessThatStartsDuringARotation(t *testing.T) {
	for engine, url := range map[string]string{"SQLite": "", "PostgreSQL": pgtest.DSN(t)} {
		t.Run(engine, func(t *testing.T) {
			dir := t.TempDir()
			if url == "" {
				url = "sqlite:" + filepath.Join(dir, "countersign.db")
			}
			s := &config.Settings{Data: dir, Database: url, MasterKeyFile: filepath.Join(dir, "master.key"), LogLevel: "error", LogFormat: "text"}
			opened, err := open(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = opened.close() }()
			read, err := masterKey(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			if err := (keyRotate{Wait: time.Minute}).Run(s, &console{out: io.Discard}); err != nil {
				t.Fatal(err)
			}
			n, err := opened.join(t.Context())
			if err != nil || n.ID == "" {
				t.Errorf("a process that had opened the database: %v", err)
			}
			db, err := openStore(t.Context(), url, read, read.master.Box())
			if err != nil {
				t.Fatalf("a process that had read the key file: %v", err)
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
