package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"strings"

	"github.com/leifengta/lft/engine/record"
)

// The table of agents, and what live attempts use of agents and pools.

var agentTable = table[record.Agent]{
	name: "agent",
	key:  1,
	columns: strings.Fields(`uid name machine_id boot_id namespace journal_id journal_seq session state reason draining
		slots labels isolation version last_seen registered_at`),
	values: func(args []any, r *record.Agent) []any {
		// A map of strings always has a JSON form, with its keys sorted.
		labels, _ := json.Marshal(r.Labels)
		return append(args, r.UID, text(r.Name), text(r.MachineID), text(r.BootID), text(r.Namespace),
			text(r.JournalID), r.JournalSeq, r.Session, string(r.State), string(r.Reason), r.Draining,
			int64(r.Slots), labels, text(r.Isolation), text(r.Version), int64(r.LastSeen), int64(r.RegisteredAt))
	},
	fields: func(r *record.Agent) []any {
		return []any{
			&r.UID, &r.Name, &r.MachineID, &r.BootID, &r.Namespace,
			&r.JournalID, &r.JournalSeq, &r.Session, (*string)(&r.State), (*string)(&r.Reason), &r.Draining,
			&r.Slots, (*labels)(&r.Labels), &r.Isolation, &r.Version, (*int64)(&r.LastSeen), (*int64)(&r.RegisteredAt),
		}
	},
	compare: func(a, b record.Agent) int { return cmp.Compare(a.UID, b.UID) },
}

// labels is a map kept as a JSON object.
type labels map[string]string

// Scan implements sql.Scanner.
func (l *labels) Scan(src any) error {
	var raw sql.RawBytes
	switch v := src.(type) {
	case []byte:
		raw = v
	case string:
		raw = []byte(v)
	}
	if len(raw) == 0 {
		return nil
	}
	return json.Unmarshal(raw, (*map[string]string)(l))
}

// Agents are all known ones, by name.
func (s *Store) Agents(ctx context.Context) ([]record.Agent, error) {
	return agentTable.where(ctx, s.read, " ORDER BY t.name,t.uid")
}

// AgentUse is the number of live attempts by agent uid.
func (s *Store) AgentUse(ctx context.Context) (map[string]int32, error) {
	return s.use(ctx, "a.agent_uid", "1")
}

// PoolUse is the number of slots that live attempts hold by pool uid.
func (s *Store) PoolUse(ctx context.Context) (map[string]int32, error) {
	return s.use(ctx, "a.pool_uid", "a.pool_slots")
}

// PoolHolders are the live attempts that hold slots of a pool, by its uid, oldest
// first. There are at most as many as it has, or once had, slots.
func (s *Store) PoolHolders(ctx context.Context, uid string) ([]record.Holder, error) {
	ids, err := liveList(ctx, s.read)
	if err != nil {
		return nil, err
	}
	var list []record.Holder
	for chunk := range slices.Chunk(ids, 500) {
		err := rows(ctx, s.read, query{
			statement: statement{
				text: `SELECT a.execution,j.name,a.agent,a.pool_slots,a.ordered_at FROM attempt a
					JOIN job j ON j.execution=a.execution AND j.number=a.number AND j.map_key=a.map_key
					WHERE a.execution IN (` + marks(len(chunk)) + ") AND a.state<>? AND j.state=? AND a.pool_uid=?",
				args: append(anys(chunk), string(record.Ended), string(record.JobActive), uid),
			},
			scan: func(r *sql.Rows) error {
				var h record.Holder
				err := r.Scan(&h.Execution, &h.Job, &h.Agent, &h.Slots, (*int64)(&h.OrderedAt))
				list = append(list, h)
				return err
			},
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(list, func(a, b record.Holder) int {
		return cmp.Or(cmp.Compare(a.OrderedAt, b.OrderedAt), cmp.Compare(a.Execution, b.Execution), cmp.Compare(a.Job, b.Job))
	})
	return list, nil
}

// use adds up attempts that have not ended. It reads the live set only: a live
// attempt belongs to a live execution.
func (s *Store) use(ctx context.Context, by, what string) (map[string]int32, error) {
	ids, err := liveList(ctx, s.read)
	if err != nil {
		return nil, err
	}
	used := map[string]int32{}
	for chunk := range slices.Chunk(ids, 500) {
		err := rows(ctx, s.read, query{
			statement: statement{
				text: "SELECT " + by + ",SUM(" + what + ") FROM attempt a WHERE a.execution IN (" + marks(len(chunk)) +
					") AND a.state<>? AND " + by + "<>'' GROUP BY " + by,
				args: append(anys(chunk), string(record.Ended)),
			},
			scan: func(r *sql.Rows) error {
				var uid string
				var n int32
				err := r.Scan(&uid, &n)
				used[uid] += n
				return err
			},
		})
		if err != nil {
			return nil, err
		}
	}
	return used, nil
}
