package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/go-sql-driver/mysql"
)

// pins are two connections to MySQL that are kept: their ids are in the beat row
// before they write, so that others can see that they are gone, and cut them when
// they block a take-over.
type pins struct {
	db   *sql.DB // makes them
	list *sql.DB // reads the list of connections

	mu   sync.Mutex
	user string
	open [2]pin   // by line
	lost []string // ids of lines that were dropped: the server may not know it
}

// pin is a connection, with its server's id and the place it comes from: ids
// begin anew when a server restarts.
type pin struct {
	conn *sql.Conn
	id   string
}

// A lock that a batch waits for is an apply's, that of a take-over may belong to
// a dead master. Pinned lines may be idle for as long as they like.
var lineSettings = [2]string{
	batchLine: "SET SESSION innodb_lock_wait_timeout=3,wait_timeout=86400",
	seatLine:  "SET SESSION innodb_lock_wait_timeout=1,wait_timeout=86400",
}

func (p *pins) take(ctx context.Context, l line) (*sql.Conn, bool, error) {
	p.mu.Lock()
	conn := p.open[l].conn
	p.mu.Unlock()
	if conn != nil {
		return conn, false, nil
	}
	conn, err := p.db.Conn(ctx)
	if err != nil {
		return nil, false, err
	}
	user, id, err := identify(ctx, conn)
	if err == nil {
		_, err = conn.ExecContext(ctx, lineSettings[l])
	}
	if err == nil {
		err = p.endLost(ctx, user)
	}
	if err != nil {
		discard(conn)
		return nil, false, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.user, p.open[l] = user, pin{conn: conn, id: id}
	return conn, true, nil
}

// endLost cuts lines of ours that were dropped. One behind a broken link would hold
// the locks of its last transaction until the server finds out, which may take hours.
func (p *pins) endLost(ctx context.Context, user string) error {
	p.mu.Lock()
	lost := slices.Clone(p.lost)
	p.mu.Unlock()
	if len(lost) == 0 {
		return nil
	}
	if err := p.end(ctx, user+" "+strings.Join(lost, " ")); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	// The other line may come back at the same time, and end the same ones.
	p.lost = slices.DeleteFunc(p.lost, func(id string) bool { return slices.Contains(lost, id) })
	return nil
}

// identify asks the server for the connection as its list has it.
func identify(ctx context.Context, conn *sql.Conn) (user, id string, err error) {
	err = rows(ctx, conn, query{
		statement: statement{text: "SELECT ID,HOST,USER FROM information_schema.PROCESSLIST WHERE ID=CONNECTION_ID()"},
		scan: func(r *sql.Rows) error {
			var number int64
			var host string
			err := r.Scan(&number, &host, &user)
			id = strconv.FormatInt(number, 10) + "/" + host
			return err
		},
	})
	if err != nil {
		return "", "", fmt.Errorf("find the own connection: %w", err)
	}
	if id == "" {
		return "", "", errors.New("the database does not list this connection under its own id: there is a proxy in " +
			"between, which makes a safe take-over impossible; connect to the database itself")
	}
	return user, id, nil
}

func (p *pins) done(*sql.Conn) {}

func (p *pins) drop(conn *sql.Conn) {
	p.mu.Lock()
	for l := range p.open {
		if p.open[l].conn == conn {
			p.lost = append(p.lost, p.open[l].id)
			p.open[l] = pin{}
		}
	}
	p.mu.Unlock()
	discard(conn)
}

func (p *pins) refresh(ctx context.Context) error {
	p.mu.Lock()
	old := p.open[batchLine].conn
	p.mu.Unlock()
	if old != nil {
		p.drop(old)
	}
	_, _, err := p.take(ctx, batchLine)
	return err
}

func (p *pins) note() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	terms := []string{p.user}
	for _, pin := range p.open {
		if pin.id != "" {
			terms = append(terms, pin.id)
		}
	}
	return strings.Join(terms, " ")
}

func (p *pins) name(ctx context.Context, conn *sql.Conn) (string, error) {
	user, id, err := identify(ctx, conn)
	return user + " " + id, err
}

func (p *pins) self(string) {}

// gone needs all holders to use one database user: without a special right a
// user sees its own connections only, so another user's are never called gone.
func (p *pins) gone(ctx context.Context, _, note string) (bool, error) {
	terms := strings.Fields(note)
	if len(terms) < 2 {
		return false, nil
	}
	match, args := matches(terms[1:])
	var user string
	var left int
	err := rows(ctx, p.list, query{
		statement: statement{
			text: "SELECT SUBSTRING_INDEX(USER(),'@',1),(SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE " + match + ")",
			args: args,
		},
		scan: func(r *sql.Rows) error { return r.Scan(&user, &left) },
	})
	if err != nil {
		return false, fmt.Errorf("look for the holder's connections: %w", err)
	}
	return user == terms[0] && left == 0, nil
}

func (p *pins) end(ctx context.Context, note string) error {
	terms := strings.Fields(note)
	if len(terms) < 2 {
		return nil
	}
	match, args := matches(terms[1:])
	var ids []int64
	err := rows(ctx, p.list, query{
		statement: statement{text: "SELECT ID,HOST FROM information_schema.PROCESSLIST WHERE " + match, args: args},
		scan: func(r *sql.Rows) error {
			var id int64
			var host string
			err := r.Scan(&id, &host)
			if !p.mine(strconv.FormatInt(id, 10) + "/" + host) {
				ids = append(ids, id)
			}
			return err
		},
	})
	if err != nil {
		return fmt.Errorf("look for the holder's connections: %w", err)
	}
	for _, id := range ids {
		_, err := p.list.ExecContext(ctx, "KILL CONNECTION "+strconv.FormatInt(id, 10))
		var e *mysql.MySQLError
		if errors.As(err, &e) && e.Number == 1094 {
			continue // it has ended by itself
		}
		if err != nil {
			return fmt.Errorf("end connection %d of the former holder: %w", id, err)
		}
	}
	return nil
}

func (p *pins) mine(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return id == p.open[batchLine].id || id == p.open[seatLine].id
}

// matches is the condition for connections noted as id/host.
func matches(ids []string) (string, []any) {
	var terms []string
	var args []any
	for _, text := range ids {
		number, host, _ := strings.Cut(text, "/")
		id, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			continue // another version's note says nothing to us
		}
		terms = append(terms, "(ID=? AND HOST=?)")
		args = append(args, id, host)
	}
	if len(terms) == 0 {
		return "1=0", nil
	}
	return strings.Join(terms, " OR "), args
}

// Close ends the pinned connections.
func (p *pins) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.open {
		if conn := p.open[l].conn; conn != nil {
			discard(conn)
		}
		p.open[l] = pin{}
	}
	return nil
}
