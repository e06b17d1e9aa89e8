package countersign_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// TN-03: inside a transaction, code uses only the transaction's connection. Code that takes
// a second one holds the first while it waits: if as many requests as there are connections
// do so at once, all of them block, and everyone else with them. The test follows calls
// through functions, methods, interfaces and fields that hold functions.
func TestATransactionUsesItsOwnConnectionOnly(t *testing.T) {
	program := load(t)
	for _, wrong := range program.secondConnections() {
		t.Error(wrong)
	}
	if len(program.transactions) < 100 {
		t.Errorf("found %d functions with a transaction, which can't be all of them", len(program.transactions))
	}
}

// A transaction may be undone or run again, so metrics and signals come after the commit.
func TestATransactionSignalsNothing(t *testing.T) {
	program := load(t)
	for _, wrong := range program.within(program.signals, "and signals what may be undone: do it after the commit, by After") {
		t.Error(wrong)
	}
	if len(program.signals) < 10 {
		t.Errorf("found %d functions that signal something, which can't be all of them", len(program.signals))
	}
}

func TestASecondConnectionIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		text   string
		caught bool
	}{
		"asked directly":                   {`func (o *office) a() { o.db.In(func(*Tx) error { return o.db.Ping() }) }`, true},
		"asked by a method":                {`func (o *office) a() { o.db.In(func(*Tx) error { return o.b() }) }; func (o *office) b() error { return o.db.Ping() }`, true},
		"asked by a function of a method":  {`func (o *office) a() { o.db.In(func(tx *Tx) error { return o.b(tx) }) }; func (o *office) b(*Tx) error { return c(o.db) }; func c(db *DB) error { return db.Ping() }`, true},
		"asked by a closure":               {`func (o *office) a() { o.db.In(func(*Tx) error { f := func() error { return o.db.Ping() }; return f() }) }`, true},
		"asked by a field":                 {`func (o *office) a() { o.ask = o.db.Ping; o.db.In(func(*Tx) error { return o.ask() }) }`, true},
		"asked by an interface":            {`func (o *office) a() { var p pinger = o.db; o.db.In(func(*Tx) error { return p.Ping() }) }; type pinger interface { Ping() error }`, true},
		"a transaction in another":         {`func (o *office) a() { o.db.In(func(*Tx) error { return o.db.In(func(*Tx) error { return nil }) }) }`, true},
		"asked before":                     {`func (o *office) a() { o.db.Ping(); o.db.In(func(*Tx) error { return nil }) }`, false},
		"the transaction itself":           {`func (o *office) a() { o.db.In(func(tx *Tx) error { return tx.Do() }) }`, false},
		"what no connection is needed for": {`func (o *office) a() { o.db.In(func(tx *Tx) error { o.db.Key(); return nil }) }`, false},
	} {
		p := newProgram()
		text := `package store
			import "database/sql"
			type DB struct { write, read *sql.DB }
			type Tx struct { sql *sql.Tx }
			func (db *DB) In(f func(*Tx) error) error { t, err := db.write.Begin(); if err != nil { return err }; return f(&Tx{t}) }
			func (db *DB) Ping() error { return db.read.Ping() }
			func (db *DB) Key() string { return "" }
			func (tx *Tx) Do() error { return nil }
			type office struct { db *DB; ask func() error }
			` + c.text
		file, err := parser.ParseFile(p.files, "a.go", text, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, others := exported(t, p.files)
		if err := p.check(storePath, []*ast.File{file}, others); err != nil {
			t.Fatal(err)
		}
		if got := p.secondConnections(); (len(got) > 0) != c.caught {
			t.Errorf("%s: got %q, want caught: %v", name, got, c.caught)
		}
	}
}

const storePath = domain + "/internal/store"

// A program holds the calls between its functions.
type program struct {
	files        *token.FileSet
	info         *types.Info
	packages     map[string]*types.Package
	calls        map[any][]call // by function, literal or field that holds functions
	transactions map[any]string // name of each function that has a transaction
	methods      map[string][]*types.Func
	opens        map[any]bool // functions that take a connection of their own
	signals      map[any]bool // functions that count metrics or wake the outbox
}

// A call is a function that is called, or passed on, at a position.
type call struct {
	to any
	at token.Pos
}

func newProgram() *program {
	return &program{files: token.NewFileSet(), packages: map[string]*types.Package{}, calls: map[any][]call{}, transactions: map[any]string{},
		methods: map[string][]*types.Func{}, opens: map[any]bool{}, signals: map[any]bool{},
		info: &types.Info{Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}, Types: map[ast.Expr]types.TypeAndValue{}, Selections: map[*ast.SelectorExpr]*types.Selection{}}}
}

// load parses the program and checks its types.
func load(t *testing.T) *program {
	t.Helper()
	p, files := newProgram(), map[string][]*ast.File{}
	for _, s := range sourceFiles(t) {
		dir, name := filepath.Split(s.file)
		if built, err := build.Default.MatchFile(dir, name); err != nil || !built {
			continue
		}
		file, err := parser.ParseFile(p.files, s.file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files[s.pkg] = append(files[s.pkg], file)
	}
	order, others := exported(t, p.files)
	for _, path := range order {
		if !within(path, domain) {
			continue
		}
		if err := p.check(path, files[path], others); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// exported lists the packages of the program, imported ones first, and returns an importer
// for what each of them exports.
func exported(t *testing.T, files *token.FileSet) (order []string, all types.Importer) {
	t.Helper()
	listed, err := list()
	if err != nil {
		t.Fatal(err)
	}
	exports := map[string]string{}
	for line := range strings.Lines(listed) {
		path, export, _ := strings.Cut(strings.TrimSpace(line), "\t")
		order, exports[path] = append(order, path), export
	}
	return order, importer.ForCompiler(files, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})
}

var list = sync.OnceValues(func() (string, error) {
	listed, err := exec.Command("go", "list", "-deps", "-export", "-f", "{{.ImportPath}}\t{{.Export}}", "./cmd/...").Output()
	return string(listed), errors.Join(err, stderr(err))
})

func stderr(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return errors.New(string(exit.Stderr))
	}
	return nil
}

// both imports packages of the program from its source, and others from what they export.
type both struct {
	own    *program
	others types.Importer
}

func (b both) Import(path string) (*types.Package, error) {
	if pkg := b.own.packages[path]; pkg != nil {
		return pkg, nil
	}
	return b.others.Import(path)
}

// check type-checks one package and records its calls.
func (p *program) check(path string, files []*ast.File, others types.Importer) error {
	config := types.Config{Importer: both{p, others}}
	pkg, err := config.Check(path, p.files, files, p.info)
	if err != nil {
		return err
	}
	p.packages[path] = pkg
	for _, f := range files {
		p.read(f)
	}
	return nil
}

// read records the calls of a file. A function that is only named counts as called: the
// function that gets it calls it.
func (p *program) read(file *ast.File) {
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			f, _ := p.info.Defs[d.Name].(*types.Func)
			if d.Recv != nil {
				p.methods[d.Name.Name] = append(p.methods[d.Name.Name], f)
			}
			p.note(f, f.Name(), f.Signature())
			if d.Body != nil {
				p.body(f, d.Body)
			}
		default:
			p.body(d, d)
		}
	}
}

// note records a function that has a transaction.
func (p *program) note(f any, name string, s *types.Signature) {
	has := s.Recv() != nil && isTransaction(s.Recv().Type())
	for v := range s.Params().Variables() {
		has = has || isTransaction(v.Type())
	}
	if has {
		p.transactions[f] = name
	}
}

func isTransaction(t types.Type) bool {
	name := types.TypeString(t, nil)
	return name == "*"+storePath+".Tx" || name == "*database/sql.Tx"
}

// body records the calls in the body of from.
func (p *program) body(from any, body ast.Node) {
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			s, _ := p.info.Types[n].Type.(*types.Signature)
			p.note(n, p.files.Position(n.Pos()).String(), s)
			p.calls[from] = append(p.calls[from], call{n, n.Pos()})
			p.body(n, n.Body)
			return false
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.SelectorExpr); ok && p.isAfter(f.Sel) {
				return false // it runs after the transaction
			}
		case *ast.Ident:
			p.use(from, p.info.Uses[n], n.Pos())
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok {
				p.keep(p.info.Uses[key], n.Value)
			}
		case *ast.AssignStmt:
			for i, to := range n.Lhs {
				if field, ok := to.(*ast.SelectorExpr); ok && len(n.Rhs) == len(n.Lhs) {
					p.keep(p.info.Uses[field.Sel], n.Rhs[i])
				}
			}
		}
		return true
	})
}

func (p *program) isAfter(name *ast.Ident) bool {
	f, ok := p.info.Uses[name].(*types.Func)
	return ok && f.Name() == "After" && f.Signature().Recv() != nil && isTransaction(f.Signature().Recv().Type())
}

// keep records that a field holds a function: code that uses the field calls it.
func (p *program) keep(field types.Object, value ast.Expr) {
	v, ok := field.(*types.Var)
	if !ok || !v.IsField() {
		return
	}
	if _, function := v.Type().Underlying().(*types.Signature); function {
		p.body(v, value)
	}
}

func (p *program) use(from any, o types.Object, at token.Pos) {
	switch o := o.(type) {
	case *types.Func:
		p.calls[from] = append(p.calls[from], call{o.Origin(), at})
	case *types.Var:
		if o.IsField() {
			p.calls[from] = append(p.calls[from], call{o, at})
			if within(o.Pkg().Path(), storePath) && types.TypeString(o.Type(), nil) == "*database/sql.DB" {
				p.opens[from] = true
			}
			if _, function := o.Type().Underlying().(*types.Signature); function && slices.Contains([]string{"Wake", "Refused", "Alarmed", "Count"}, o.Name()) {
				p.signals[from] = true
			}
		}
	}
}

// targets returns the functions behind a call, including those that implement an interface.
func (p *program) targets(to any) []any {
	f, ok := to.(*types.Func)
	if !ok || f.Signature().Recv() == nil {
		return []any{to}
	}
	i, ok := f.Signature().Recv().Type().Underlying().(*types.Interface)
	if !ok {
		return []any{to}
	}
	var all []any
	for _, m := range p.methods[f.Name()] {
		if types.Implements(m.Signature().Recv().Type(), i) {
			all = append(all, m)
		}
	}
	return all
}

// secondConnections returns the places where a function that has a transaction takes another
// connection.
func (p *program) secondConnections() []string {
	return p.within(p.opens, "and takes another connection: read before it, or by the transaction")
}

// within returns the places where a function that has a transaction calls, directly or
// indirectly, one of does; says describes the fault.
func (p *program) within(does map[any]bool, says string) (wrong []string) {
	for again := true; again; {
		again = false
		for from, calls := range p.calls {
			if !does[from] && slices.ContainsFunc(calls, func(c call) bool { return p.reaches(does, c) }) {
				does[from], again = true, true
			}
		}
	}
	for f, name := range p.transactions {
		before := len(wrong)
		for _, c := range p.calls[f] {
			if p.reaches(does, c) {
				wrong = append(wrong, fmt.Sprintf("%s: %s has a transaction %s", p.files.Position(c.at), name, says))
			}
		}
		if does[f] && len(wrong) == before {
			wrong = append(wrong, name+" has a transaction "+says)
		}
	}
	slices.Sort(wrong)
	return wrong
}

func (p *program) reaches(does map[any]bool, c call) bool {
	return slices.ContainsFunc(p.targets(c.to), func(to any) bool { return does[to] })
}
