package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/leifengta/lft/engine/record"
)

// mysqlDialect speaks to MySQL and MariaDB in the words both understand:
// VALUES(col) instead of a row alias, LOCK IN SHARE MODE instead of FOR SHARE.
type mysqlDialect struct{}

func (mysqlDialect) conflict(key, columns []string) string {
	if len(columns) == 0 {
		columns = key[:1]
	}
	var b strings.Builder
	b.WriteString(" ON DUPLICATE KEY UPDATE ")
	for i, c := range columns {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(c + "=VALUES(" + c + ")")
	}
	return b.String()
}

func (mysqlDialect) lock(exclusive bool) string {
	if exclusive {
		return " FOR UPDATE"
	}
	return " LOCK IN SHARE MODE"
}

// mysqlNow is exact to the microsecond; the sessions' time zone is UTC, so no
// hour of it is ambiguous.
const mysqlNow = "CAST(UNIX_TIMESTAMP(NOW(6))*1000000 AS SIGNED)"

func (mysqlDialect) now(ctx context.Context, on querier) (record.Time, error) {
	var now record.Time
	err := rows(ctx, on, query{
		statement: statement{text: "SELECT " + mysqlNow},
		scan:      func(r *sql.Rows) error { return r.Scan(&now) },
	})
	return now, err
}

// begin sends all in one packet. READ COMMITTED has no gap locks, and a locking
// read sees the newest row either way.
func (mysqlDialect) begin(ctx context.Context, conn *sql.Conn, queries ...query) error {
	var all statement
	all.text = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED;START TRANSACTION"
	for _, q := range queries {
		all.text += ";" + q.text
		all.args = append(all.args, q.args...)
	}
	if len(queries) == 0 {
		_, err := conn.ExecContext(ctx, all.text)
		return err
	}
	r, err := conn.QueryContext(ctx, all.text, all.args...)
	if err != nil {
		return err
	}
	defer r.Close()
	for i, q := range queries {
		if i > 0 && !r.NextResultSet() {
			return errors.Join(r.Err(), errors.New("the database answered fewer queries than were sent"))
		}
		for r.Next() {
			if err := q.scan(r); err != nil {
				return fmt.Errorf("read a row: %w", err)
			}
		}
	}
	return r.Err()
}

// send puts as many statements into one packet as fit the limit of a statement.
func (mysqlDialect) send(ctx context.Context, conn *sql.Conn, list ...statement) error {
	for len(list) > 0 {
		packet, n := list[0], 1
		size := len(packet.text) + weight(packet.args)
		var b strings.Builder
		b.WriteString(packet.text)
		for ; n < len(list); n++ {
			next := len(list[n].text) + weight(list[n].args)
			if size+next > maxStatement {
				break
			}
			if n == 1 {
				packet.args = append([]any(nil), packet.args...)
			}
			size += next
			b.WriteString(";" + list[n].text)
			packet.args = append(packet.args, list[n].args...)
		}
		if _, err := conn.ExecContext(ctx, b.String(), packet.args...); err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}

// judgeMySQL knows the numbers both servers share. What it does not know is
// about the server's state, not the rows'.
func judgeMySQL(err error) verdict {
	var e *mysql.MySQLError
	if !errors.As(err, &e) {
		return unclear
	}
	switch e.Number {
	case 1205, // lock wait timeout: InnoDB undid the statement alone
		1213, // deadlock: InnoDB undid all
		1020: // changed since last read
		return again
	case 1062:
		return taken
	case 1048, 1264, 1265, 1292, 1364, 1366, 1406, // a value does not fit its column
		1118, 1139, 1153, 1301, // a row or packet is too large
		3140, 3819, 4025: // JSON and CHECK
		return poison
	}
	return unclear
}

// mysqlConfig holds what every connection has in common.
func mysqlConfig(a address) *mysql.Config {
	c := mysql.NewConfig()
	c.User, c.Passwd, c.DBName = a.user, a.password, a.database
	c.Net, c.Addr = "tcp", a.host
	if a.socket != "" {
		c.Net, c.Addr = "unix", a.socket
	}
	c.TLSConfig = a.tls
	c.Timeout, c.ReadTimeout, c.WriteTimeout = 5*time.Second, 5*time.Second, 5*time.Second
	c.InterpolateParams = true // one round trip instead of three
	c.ClientFoundRows = true   // an UPDATE to the same value has matched its row
	c.Logger = &mysql.NopLogger{}
	c.ConnectionAttributes = "program_name:lft"
	c.Params = map[string]string{
		"time_zone":                "'+00:00'",
		"sql_mode":                 "'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'",
		"innodb_lock_wait_timeout": "3",
	}
	return c
}

func openMySQL(c *mysql.Config, connections int) (*sql.DB, error) {
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, fmt.Errorf("settings of the connection: %w", err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(min(connections, 4))
	db.SetConnMaxIdleTime(30 * time.Second)
	return db, nil
}

// reach connects once, to say early and clearly what is wrong.
func reach(ctx context.Context, db *sql.DB, a address) error {
	err := db.PingContext(ctx)
	if err == nil {
		return nil
	}
	var e *mysql.MySQLError
	if errors.As(err, &e) {
		switch e.Number {
		case 1044, 1045, 1698:
			return fmt.Errorf("%s refuses the user %q: %w; check user, password and rights in the address", a, a.user, err)
		case 1049:
			return fmt.Errorf("%s has no database %q: create it first: %w", a, a.database, err)
		}
	}
	return fmt.Errorf("cannot reach the database at %s: %w", a, err)
}
