package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// baseMemory is what a node may take besides the hashing of passwords, unless more
// than that is live.
const baseMemory = 96 << 20 // bytes

// setMemoryLimit lets the collector of garbage keep the node's memory in its budget until
// ctx ends: each hash leaves 19 MiB behind. The budget follows what is live. Below
// that the collector would run without end, as with many open connections.
// GOMEMLIMIT, where it is set, says it otherwise.
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

// memoryLimit leaves the collector half of what is live besides hashes, so that it
// runs seldom.
func memoryLimit(hashes, live, rest int64) int64 {
	live = max(0, live-hashes)
	return hashes + max(baseMemory, live+live/2+rest)
}

// inUse is how many bytes the last collection found live, and how many stacks
// and the runtime itself take besides.
func inUse() (live, rest int64) {
	all := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}, {Name: "/memory/classes/metadata/mcache/inuse:bytes"},
		{Name: "/memory/classes/metadata/mspan/inuse:bytes"}, {Name: "/memory/classes/metadata/other:bytes"}, {Name: "/memory/classes/other:bytes"}, {Name: "/memory/classes/os-stacks:bytes"}}
	metrics.Read(all)
	for _, s := range all[1:] {
		rest += int64(s.Value.Uint64())
	}
	return int64(all[0].Value.Uint64()), rest
}
