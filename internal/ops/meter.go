package ops

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"countersign"
)

// A Meter counts refused sign-ins, alarms and the outcomes of messages.
type Meter struct {
	refused  *prometheus.CounterVec
	alarms   *prometheus.CounterVec
	messages *prometheus.CounterVec
	load     func() (hashing, waiting int)
	queues   queues
}

// NewMeter returns the meter of one node. load returns how many passwords are being hashed and
// how many wait; waiting returns the queues of the outbox, which all nodes share.
func NewMeter(load func() (hashing, waiting int), waiting func(context.Context) ([]countersign.Queue, error)) *Meter {
	return &Meter{
		load:   load,
		queues: queues{waiting},
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "countersign_throttle_refused_total",
			Help: "Passwords and tokens that were not compared, by the code of why."}, []string{"reason"}),
		alarms: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "countersign_throttle_alarms_total",
			Help: "Alarms of guessing: a network, an agency or a user, by the code of why."}, []string{"reason"}),
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "countersign_messages_total",
			Help: "Tries of this node to hand messages over, by what became of them."}, []string{"channel", "content", "state"}),
	}
}

// Refused counts a try that was not compared.
func (m *Meter) Refused(code string) { m.refused.WithLabelValues(code).Inc() }

// Alarmed counts an alarm.
func (m *Meter) Alarmed(code string) { m.alarms.WithLabelValues(code).Inc() }

// register adds the metrics to a registry.
func (m *Meter) register(r *prometheus.Registry) {
	gauge := func(name, help string, read func() int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(read()) })
	}
	r.MustRegister(m.refused, m.alarms, m.messages, m.queues,
		gauge("countersign_password_hashing", "Passwords that are being hashed.", func() int { n, _ := m.load(); return n }),
		gauge("countersign_password_queue_length", "Passwords that wait for their turn to be hashed.", func() int { _, n := m.load(); return n }))
}
