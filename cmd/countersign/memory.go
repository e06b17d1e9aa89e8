package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// baseMemory is what a node may use besides password hashing, unless its live heap needs more.
const baseMemory = 96 << 20 // bytes

// setMemoryLimit adjusts the limit of the garbage collector until ctx ends, because each hash
// leaves 19 MiB behind. The limit follows the live heap, since below it the collector would run all
// the time, as with many open connections. GOMEMLIMIT overrides it.
func (a *app) setMemoryLimit(ctx context.Context) error {
	if os.Getenv("GOMEMLIMIT") != "" {
		return nil
	}
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		live, rest := inUse()
		debug.SetMemoryLimit(memoryLimit(a.passwords.Memory(), live, rest))
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// memoryLimit allows half of the live heap (without hashes) as garbage, so that the collector runs
// seldom.
func memoryLimit(hashes, live, rest int64) int64 {
	live = max(0, live-hashes)
	return hashes + max(baseMemory, live+live/2+rest)
}

// inUse returns the bytes that the last collection found live, and the bytes of stacks and the
// runtime itself.
func inUse() (live, rest int64) {
	all := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}, {Name: "/memory/classes/metadata/mcache/inuse:bytes"},
		{Name: "/memory/classes/metadata/mspan/inuse:bytes"}, {Name: "/memory/classes/metadata/other:bytes"}, {Name: "/memory/classes/other:bytes"}, {Name: "/memory/classes/os-stacks:bytes"}}
	metrics.Read(all)
	for _, s := range all[1:] {
		rest += int64(s.Value.Uint64())
	}
	return int64(all[0].Value.Uint64()), rest
}
