package edge

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// A hurry records the deadlines that a handler sets, and makes each expire at once.
type hurry struct {
	http.ResponseWriter
	set   chan bool // whether a deadline is set
	below *http.ResponseController
}

func (h hurry) SetReadDeadline(at time.Time) error {
	h.set <- !at.IsZero()
	if !at.IsZero() {
		at = time.Now().Add(100 * time.Millisecond)
	}
	return h.below.SetReadDeadline(at)
}

// WB-06: a form that never arrives gets an answer and the connection is closed. After a form
// has arrived there is no read deadline, so that the answer may take its time.
func TestAFormThatNeverArrives(t *testing.T) {
	t.Parallel()
	set := make(chan bool, 10)
	read := make(chan string, 1)
	limits := Limits(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { read <- r.PostForm.Get("a") }), func(w http.ResponseWriter, _ *http.Request, status int) {
		w.Header().Set("Connection", "close")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "in words")
	})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limits.ServeHTTP(hurry{ResponseWriter: w, set: set, below: http.NewResponseController(w)}, r)
	}))
	defer s.Close()
	send := func(length int) (*http.Response, string) {
		c, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		_, _ = fmt.Fprintf(c, "POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\na=b", length)
		answer, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(answer.Body)
		return answer, string(body)
	}
	if answer, body := send(100); answer.StatusCode != http.StatusRequestTimeout || body != "in words" || !<-set || len(set) > 0 {
		t.Errorf("a form that never arrives: %d %q, %d more deadlines", answer.StatusCode, body, len(set))
	}
	if answer, _ := send(3); answer.StatusCode != http.StatusOK || <-read != "b" || !<-set || <-set {
		t.Errorf("one that arrives: %d", answer.StatusCode)
	}
}

// The time for a form has its own limit, below the 30 s of the server for a whole request,
// even for the largest form.
func TestTimeForAForm(t *testing.T) {
	t.Parallel()
	for length, want := range map[int64]time.Duration{-1: 10 * time.Second, 0: 10 * time.Second, 16 << 10: 11 * time.Second, maxBody: 26 * time.Second} {
		if got := bodyTime(length); got != want {
			t.Errorf("%d bytes may take %v, want %v", length, got, want)
		}
	}
}
