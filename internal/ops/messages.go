package ops

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"countersign"
)

// Delivered counts the outcome of a try to send a message: sent, refused, dropped because its
// token expired, or waiting for another try.
func (m *Meter) Delivered(message countersign.Message) {
	m.messages.WithLabelValues(string(message.Channel), contentLabel(message.Urgent), string(message.State)).Inc()
}

// contentLabel returns the label of a message. Tokens are counted separately because they are
// urgent.
func contentLabel(token bool) string {
	if token {
		return "token"
	}
	return "letter"
}

// A queues collector reads the outbox at each request. All nodes report the same outbox, so an
// alarm must use the maximum, not the sum.
type queues struct {
	read func(context.Context) ([]countersign.Queue, error)
}

var (
	queueLength = prometheus.NewDesc("countersign_messages_waiting",
		"Messages that wait to be sent, of all agencies. Every node says the same.", []string{"channel", "content"}, nil)
	queueAge = prometheus.NewDesc("countersign_messages_oldest_seconds",
		"How long the oldest message that waits has been waiting.", []string{"channel", "content"}, nil)
)

// Describe implements prometheus.Collector.
func (queues) Describe(all chan<- *prometheus.Desc) { all <- queueLength; all <- queueAge }

// Collect implements prometheus.Collector. An empty queue is reported as 0. If the database is
// unavailable nothing is reported; countersign_database_up shows that.
func (q queues) Collect(all chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	found, err := q.read(ctx)
	if err != nil {
		return
	}
	for _, channel := range []countersign.Channel{countersign.ChannelEmail, countersign.ChannelSMS} {
		for _, tokens := range []bool{true, false} {
			length, age := 0.0, 0.0
			for _, f := range found {
				if f.Channel == channel && f.Urgent == tokens {
					length, age = float64(f.Length), max(time.Since(f.Since).Seconds(), 0)
				}
			}
			labels := []string{string(channel), contentLabel(tokens)}
			all <- prometheus.MustNewConstMetric(queueLength, prometheus.GaugeValue, length, labels...)
			all <- prometheus.MustNewConstMetric(queueAge, prometheus.GaugeValue, age, labels...)
		}
	}
}
