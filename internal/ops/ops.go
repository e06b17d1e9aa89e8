// Package ops serves operators: health, readiness, metrics and profiles, on a separate address
// that must never be public.
package ops

import (
	"context"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// A Server answers monitoring requests.
type Server struct {
	Ping  func(context.Context) error // returns an error unless the database answers
	Meter *Meter                      // nil: nothing is counted
}

// timeout is how long the database has to answer.
const timeout = 2 * time.Second

// Handler returns the handler of all paths.
func (s Server) Handler() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "countersign_database_up", Help: "1 while the database answers."}, func() float64 {
			if s.ready(context.Background()) != nil {
				return 0
			}
			return 1
		}))
	if s.Meter != nil {
		s.Meter.register(registry)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	return mux
}

// ready pings the database. It waits no longer than the timeout even if Ping does not return
// then, as with a locked database.
func (s Server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	answer := make(chan error, 1)
	go func() {
		defer cancel()
		answer <- s.Ping(ctx)
	}()
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// readyz reports whether this node can serve, for load balancers.
func (s Server) readyz(w http.ResponseWriter, r *http.Request) {
	if err := s.ready(r.Context()); err != nil {
		http.Error(w, "the database does not answer: "+err.Error(), http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write([]byte("ready\n"))
}
