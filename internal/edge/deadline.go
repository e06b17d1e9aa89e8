package edge

import (
	"context"
	"net/http"
	"time"

	"countersign"
)

// RequestTime is how long a request may take once it was read. Then its work is
// given up and the answer is 503, whatever it waits for (TN-03). It is longer
// than the queue of password hashes.
const RequestTime = 20 * time.Second

// Deadline ends the work of each request after a time, and says for whom the
// work is done until a session tells it better: for the network that it comes from.
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
