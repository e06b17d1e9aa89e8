package edge

import (
	"context"
	"net/http"
	"time"

	"countersign"
)

// RequestTime is how long a request may take once it was read. Then its work is canceled and
// the answer is 503 (TN-03). It is longer than the queue of password hashes.
const RequestTime = 20 * time.Second

// Deadline cancels each request after a time, RequestTime if longest is 0. It also sets the
// client's network as the principal, until a session sets the user.
func Deadline(next http.Handler, longest time.Duration, client func(*http.Request) countersign.Client) http.Handler {
	if longest == 0 {
		longest = RequestTime
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), longest)
		defer cancel()
		ctx = countersign.WithPrincipal(ctx, "network "+client(r).Network())
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}
