// Command mutate shows that the tests named in docs/security/requirements.md can fail. It changes
// the product in one place at a time, as docs/security/mutations.txt says, and runs the test that
// must fail.
//
//	mutate [-only REGEXP] [-p N] [-q] [-find]
//
// The working tree is not changed: the compiler reads the changed file from elsewhere. It exits 1
// if a change survives, does not compile, or is not found.
package main

import (
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
	if dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	return try(all, dir, workers, quick)
}

// found returns an error for each change whose place in the code is gone.
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

// try tries every change and prints the results.
func try(all []mutant, dir string, workers int, quick bool) error {
	b, err := compile(all, dir)
	if err != nil {
		return err
	}
	if !quick {
		if err := b.baseline(all); err != nil {
			return err
		}
	}
	var mu sync.Mutex
	var group sync.WaitGroup
	next, bad := make(chan int), 0
	for range max(1, workers) {
		group.Go(func() {
			for i := range next {
				start := time.Now()
				verdict, said := b.fate(i, all[i])
				mu.Lock()
				fmt.Printf("%-6s %-9s %5.1fs  %-44s %s\n", all[i].ID, verdict, time.Since(start).Seconds(), all[i].Test, all[i].place())
				fmt.Println("\t" + said)
				if verdict != fell {
					bad++
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

// The result of a change.
const (
	fell     = "fell"     // its test failed, as it must
	survived = "SURVIVED" // its test passes
	broken   = "BROKEN"   // it does not compile, or its test does not exist
)

// A bench is the tests of each package, compiled with all changes in functions.
type bench struct {
	dir      string
	programs map[string]string // by package
}

// compile compiles the test programs.
func compile(all []mutant, dir string) (bench, error) {
	b := bench{dir: dir, programs: map[string]string{}}
	perFile := map[string]map[int]mutant{}
	for i, m := range all {
		b.programs[m.Package] = filepath.Join(dir, strings.ReplaceAll(strings.TrimPrefix(m.Package, "./"), "/", "-")+".test")
		if m.Func == "" {
			continue
		}
		if perFile[m.File] == nil {
			perFile[m.File] = map[int]mutant{}
		}
		perFile[m.File][i] = m
	}
	replaced := map[string]string{}
	for file, changes := range perFile {
		text, err := os.ReadFile(file)
		if err != nil {
			return b, err
		}
		changed, pkg, err := schema(file, string(text), changes)
		if err != nil {
			return b, err
		}
		replaced[file], replaced[inPackage(file)] = changed, switches(pkg)
	}
	list, err := overlay(filepath.Join(dir, "all"), replaced)
	if err != nil {
		return b, err
	}
	for pkg, program := range b.programs {
		if out, err := exec.Command("go", "test", "-c", "-ldflags=-s -w", "-overlay", list, "-o", program, pkg).CombinedOutput(); err != nil {
			return b, fmt.Errorf("compile the tests of %s with all changes: %w\n%s", pkg, err, tail(out))
		}
	}
	return b, nil
}

// baseline runs the tests without any change.
func (b bench) baseline(all []mutant) error {
	tests := map[string][]string{}
	for _, m := range all {
		if !slices.Contains(tests[m.Package], m.Test) {
			tests[m.Package] = append(tests[m.Package], m.Test)
		}
	}
	for pkg, names := range tests {
		out, err := b.run(pkg, strings.Join(names, "|"), "none", b.programs[pkg])
		if err != nil {
			return fmt.Errorf("without a change the tests of %s do not pass: %w\n%s", pkg, err, tail(out))
		}
	}
	return nil
}

// run runs tests in the directory where go test would.
func (b bench) run(pkg, tests, on, program string) ([]byte, error) {
	c := exec.Command(program, "-test.run", "^("+tests+")$", "-test.timeout", "30m")
	c.Dir, c.Env = pkg, append(os.Environ(), variable+"="+on)
	return c.CombinedOutput()
}

// fate runs the test with the change.
func (b bench) fate(i int, m mutant) (verdict, said string) {
	program, on := b.programs[m.Package], fmt.Sprint(i)
	if m.Func == "" { // a constant: compile it by itself
		text, err := os.ReadFile(m.File)
		if err != nil {
			return broken, err.Error()
		}
		changed, err := m.apply(string(text))
		if err != nil {
			return broken, err.Error()
		}
		list, err := overlay(filepath.Join(b.dir, on), map[string]string{m.File: changed})
		if err != nil {
			return broken, err.Error()
		}
		program = filepath.Join(b.dir, on+".test")
		if out, err := exec.Command("go", "test", "-c", "-ldflags=-s -w", "-overlay", list, "-o", program, m.Package).CombinedOutput(); err != nil {
			return broken, tail(out)
		}
		defer os.Remove(program)
	}
	out, err := b.run(m.Package, m.Test, on, program)
	switch {
	case strings.Contains(string(out), "no tests to run"):
		return broken, tail(out)
	case err == nil:
		return survived, "- " + m.Before + "\n\t+ " + m.After
	default:
		return fell, reason(string(out))
	}
}

// reason returns the first error of a failed test.
func reason(out string) string {
	for line := range strings.Lines(out) {
		if strings.Contains(line, "_test.go:") || strings.HasPrefix(line, "panic: ") {
			return strings.TrimSpace(line)
		}
	}
	return tail([]byte(out))
}

// overlay writes changed files below dir, and the list that the compiler reads.
func overlay(dir string, changed map[string]string) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	replace := map[string]string{}
	for file, text := range changed {
		original, err := filepath.Abs(file)
		if err != nil {
			return "", err
		}
		replace[original] = filepath.Join(dir, strings.ReplaceAll(file, "/", "-"))
		if err := os.WriteFile(replace[original], []byte(text), 0o644); err != nil {
			return "", err
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	list := filepath.Join(dir, "overlay.json")
	return list, os.WriteFile(list, text, 0o644)
}

// tail returns the end of a command's output.
func tail(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.Join(lines[max(0, len(lines)-12):], "\n")
}
