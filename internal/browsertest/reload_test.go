package browsertest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

// A page that reloads itself is read and checked again as often as needed.
func TestAPageThatReloadsItself(t *testing.T) {
	loads := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		loads++
		again := ""
		if loads < 30 {
			again = `<script>setTimeout(() => location.reload(), 20)</script>`
		}
		fmt.Fprintf(w, `<!doctype html><html lang="en"><title>Reloads</title><meta name="viewport" content="width=device-width"><link rel="icon" href="data:,"><main><h1>Loaded %d times</h1></main>%s`, loads, again)
	}))
	t.Cleanup(s.Close)
	w := Open(t, Options{})
	w.Go(s.URL)
	w.Examine("reloads")
	slow := `new Promise(read => setTimeout(() => read(document.title), 100))`
	if got := Eval[string](w, slow); got != "Reloads" {
		t.Errorf("read %q", got)
	}
	w.Wait("Loaded 30 times")
}
