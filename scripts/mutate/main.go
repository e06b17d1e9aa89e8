// Command mutate shows that the tests which docs/security/requirements.md names
// can fail: it changes the product in one place at a time, as
// docs/security/mutations.txt says, and runs the test that must fall.
//
//	mutate [-only REGEXP] [-p N] [-q] [-find]
//
// Nothing of the checkout is changed: the compiler reads the changed file from
// elsewhere. It exits 1 if a change survives, does not compile, or is not found.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

const table = "docs/security/mutations.txt"

func main() {
	only := flag.String("only", "", "changes whose requirement, file or test match")
	workers := flag.Int("p", 2, "changes tried at once")
	quick := flag.Bool("q", false, "do not first show that the tests pass without a change")
	find := flag.Bool("find", false, "only look whether each change is found in the code")
	flag.Parse()
	if err := run(*only, *workers, *quick, *find); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

func run(only string, workers int, quick, find bool) error {
	text, err := os.ReadFile(table)
	if err != nil {
		return err
	}
	all, err := parse(string(text))
	if err != nil {
		return err
	}
	chosen, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(m mutant) bool { return !chosen.MatchString(m.ID + " " + m.File + " " + m.Test) })
	if find {
		return found(all)
	}
	dir, err := os.MkdirTemp("", "mutate-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if !quick {
		if err := baseline(all); err != nil {
			return err
		}
	}
	return try(all, dir, workers)
}

// found says which changes have no place in the code any more.
func found(all []mutant) error {
	var missing []error
	for _, m := range all {
		text, err := os.ReadFile(m.File)
		if err == nil {
			_, err = m.apply(string(text))
		}
		if err != nil {
			missing = append(missing, fmt.Errorf("%s: %w", m.ID, err))
		}
	}
	return errors.Join(missing...)
}

// try tries every change and prints what became of it.
func try(all []mutant, dir string, workers int) error {
	var mu sync.Mutex
	var group sync.WaitGroup
	next, bad := make(chan int), 0
	for range max(1, workers) {
		group.Go(func() {
			for i := range next {
				start := time.Now()
				verdict, said := all[i].fate(filepath.Join(dir, fmt.Sprint(i)))
				mu.Lock()
				fmt.Printf("%-6s %-9s %5.1fs  %-44s %s\n", all[i].ID, verdict, time.Since(start).Seconds(), all[i].Test, all[i].place())
				if verdict != fell {
					bad++
					fmt.Println(said)
				}
				mu.Unlock()
			}
		})
	}
	for i := range all {
		next <- i
	}
	close(next)
	group.Wait()
	fmt.Printf("%d changes, %d of them found by their test\n", len(all), len(all)-bad)
	if bad > 0 {
		return fmt.Errorf("%d changes were not found", bad)
	}
	return nil
}

// baseline runs the tests on the product as it is.
func baseline(all []mutant) error {
	tests := map[string][]string{}
	for _, m := range all {
		if !slices.Contains(tests[m.Package], m.Test) {
			tests[m.Package] = append(tests[m.Package], m.Test)
		}
	}
	for pkg, names := range tests {
		out, err := exec.Command("go", "test", "-count=1", "-vet=off", "-timeout=30m", "-run", "^("+strings.Join(names, "|")+")$", pkg).CombinedOutput()
		if err != nil {
			return fmt.Errorf("without a change the tests of %s do not pass: %w\n%s", pkg, err, tail(out))
		}
	}
	return nil
}

// What becomes of a change.
const (
	fell     = "fell"     // its test fell, as it must
	survived = "SURVIVED" // its test passes
	broken   = "BROKEN"   // it does not compile, or its test does not exist
	lost     = "LOST"     // its place is not found
)

// fate applies the change below dir and runs the test.
func (m mutant) fate(dir string) (verdict, said string) {
	text, err := os.ReadFile(m.File)
	if err != nil {
		return lost, err.Error()
	}
	changed, err := m.apply(string(text))
	if err != nil {
		return lost, err.Error()
	}
	overlay, err := m.overlay(dir, changed)
	if err != nil {
		return broken, err.Error()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "go", "test", "-count=1", "-vet=off", "-p=1", "-timeout=10m", "-ldflags=-s -w", "-overlay", overlay,
		"-run", "^"+m.Test+"$", m.Package).CombinedOutput()
	switch {
	case strings.Contains(string(out), "[build failed]") || strings.Contains(string(out), "[setup failed]") || strings.Contains(string(out), "no tests to run"):
		return broken, tail(out)
	case err == nil:
		return survived, "- " + m.Before + "\n+ " + m.After
	default:
		return fell, ""
	}
}

// overlay writes the changed file, and the list that the compiler reads.
func (m mutant) overlay(dir, changed string) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	file, list := filepath.Join(dir, filepath.Base(m.File)), filepath.Join(dir, "overlay.json")
	original, err := filepath.Abs(m.File)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(map[string]map[string]string{"Replace": {original: file}})
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(file, []byte(changed), 0o644); err != nil {
		return "", err
	}
	return list, os.WriteFile(list, text, 0o644)
}

// tail is the end of what a command printed.
func tail(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.Join(lines[max(0, len(lines)-12):], "\n")
}
