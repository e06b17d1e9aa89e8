package edge

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"countersign/internal/secret"
)

type requestKey struct{}

// RequestID returns the ID of the request that a context belongs to; "" outside of one.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}

// Requests gives each request an ID, logs one line when it is answered, and answers a panic
// with failed. The stack goes to the log only (WB-07).
func Requests(next http.Handler, log *slog.Logger, now func() time.Time, failed http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := secret.NewID()[:16]
		r = r.WithContext(context.WithValue(r.Context(), requestKey{}, id))
		w.Header().Set("X-Request-Id", id)
		answer := &recorder{ResponseWriter: w}
		start := now()
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler {
					panic(p)
				}
				log.Error("panic", "request", id, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
				if answer.status == 0 {
					failed(answer, r)
				}
			}
			log.Info("request", "request", id, "method", r.Method, "host", r.Host, "path", r.URL.Path,
				"status", answer.status, "bytes", answer.bytes, "took", now().Sub(start))
		}()
		next.ServeHTTP(answer, r)
	})
}

// A recorder records the status and the length of the answer.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(b)
	r.bytes += n
	return n, err
}

// Unwrap lets http.ResponseController reach the underlying writer.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
