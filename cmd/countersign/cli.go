package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"unicode"
	"unicode/utf16"

	"github.com/alecthomas/kong"

	"countersign"
	"countersign/internal/config"
	"countersign/internal/store"
)

// A console is the input and output of a command.
type console struct {
	in       io.Reader
	out      io.Writer
	problems io.Writer
}

// json writes one value on one line.
func (c *console) json(value any) error {
	var line bytes.Buffer
	if err := json.NewEncoder(&line).Encode(value); err != nil {
		return err
	}
	_, err := io.WriteString(c.out, escaped(strings.TrimSuffix(line.String(), "\n"))+"\n")
	return err
}

// escaped makes a text safe for a terminal: control characters and characters that change the
// writing direction become \u202e. JSON keeps its meaning.
func escaped(text string) string {
	if !strings.ContainsFunc(text, isTerminalControl) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if !isTerminalControl(r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

// lines is escaped for a text of several lines.
func lines(text string) string {
	all := strings.Split(text, "\n")
	for i, line := range all {
		all[i] = escaped(line)
	}
	return strings.Join(all, "\n")
}

// isTerminalControl reports whether a rune is a control, a direction mark, a line break, or
// invisible.
func isTerminalControl(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029'
}

// table writes rows in columns.
func (c *console) table(rows [][]string) error {
	w := tabwriter.NewWriter(c.out, 0, 4, 2, ' ', 0)
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = escaped(cell)
		}
		fmt.Fprintln(w, strings.TrimRight(strings.Join(cells, "\t"), "\t"))
	}
	return w.Flush()
}

// facts writes the properties of one thing, one per line. "-" means empty.
func (c *console) facts(rows [][2]string) error {
	var table [][]string
	for _, row := range rows {
		if row[1] == "" {
			row[1] = "-"
		}
		table = append(table, row[:])
	}
	return c.table(table)
}

// setUp says in words how far a user's set-up is.
var setUp = map[string]string{store.StateDone: "done", store.StateNot: "not set up", store.StateReset: "reset, open", store.StateLapsed: "reset, over",
	store.StateCannot: "not set up, no email", store.StateDisabled: "disabled"}

// parse reads the file of --config, if any, and then the command line, which takes precedence.
func (c *cli) parse(parser *kong.Kong, args []string) (*kong.Context, error) {
	path := configPath(args)
	file, declared, err := config.ReadFile(path, settingNames(parser))
	if err != nil {
		return nil, err
	}
	if err := kong.Resolvers(file.Resolver()).Apply(parser); err != nil {
		return nil, err
	}
	ctx, err := parser.Parse(args)
	if err != nil {
		return nil, err
	}
	c.Preferences = declared
	return ctx, c.Resolve()
}

// configPath returns the value of --config, from the command line or the environment.
func configPath(args []string) string {
	path := os.Getenv("COUNTERSIGN_CONFIG")
	for i, a := range args {
		if value, ok := strings.CutPrefix(a, "--config="); ok {
			path = value
		}
		if a == "--config" && i+1 < len(args) {
			path = args[i+1]
		}
	}
	return path
}

// settingNames returns the flags that may be set in the file.
func settingNames(parser *kong.Kong) []string {
	var names []string
	for _, flag := range parser.Model.Flags {
		if flag.Name != "help" && flag.Name != "config" {
			names = append(names, flag.Name)
		}
	}
	return names
}

// A userJSON is a user in JSON output.
type userJSON struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Email    string   `json:"email"`
	Mobile   string   `json:"mobile"`
	Rights   []string `json:"rights"`
	Groups   []string `json:"groups"`
	Disabled bool     `json:"disabled"`
	State    string   `json:"state,omitempty"`
	Methods  []string `json:"methods,omitempty"`
	Passkeys []string `json:"passkeys,omitempty"` // by the names that the user chose
	Default  string   `json:"default,omitempty"`
}

func userView(u countersign.User) userJSON {
	j := userJSON{ID: u.Login, Name: u.Name, Email: u.Email, Mobile: u.Mobile, Groups: u.Groups, Rights: []string{}, Disabled: u.Disabled}
	if j.Groups == nil {
		j.Groups = []string{}
	}
	for _, r := range u.Rights {
		j.Rights = append(j.Rights, string(r))
	}
	return j
}
