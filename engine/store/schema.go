package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// ErrSchema says that the database's schema is not this binary's.
var ErrSchema = errors.New("the schema of the state does not fit")

// columnTypes are the words of the migrations in one dialect.
type columnTypes struct {
	id, word, number, flag, data string // formats of a column's name
	text                         func(size int, name string) string
	table, rowtable              string // end of CREATE TABLE; rowtable for rows with large content
	inline                       bool   // keys are declared inside CREATE TABLE
	whole                        bool   // a transaction can hold changes of the schema
	one                          bool   // a statement adds one column
}

var mysqlTypes = columnTypes{
	id:     "%s VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL",
	word:   "%s VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL",
	number: "%s BIGINT NOT NULL",
	flag:   "%s TINYINT NOT NULL",
	data:   "%s MEDIUMBLOB NULL",
	text: func(size int, name string) string {
		return name + " VARCHAR(" + strconv.Itoa(size) + ") NOT NULL"
	},
	table:    "ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin ROW_FORMAT=DYNAMIC",
	rowtable: "ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin ROW_FORMAT=DYNAMIC",
	inline:   true,
}

// SQLite knows no lengths; the checks make it refuse what MySQL refuses.
var sqliteTypes = columnTypes{
	id:     "%[1]s TEXT NOT NULL CHECK (length(%[1]s) <= 64)",
	word:   "%[1]s TEXT NOT NULL CHECK (length(%[1]s) <= 32)",
	number: "%s INTEGER NOT NULL",
	flag:   "%s INTEGER NOT NULL",
	data:   "%s BLOB",
	text: func(size int, name string) string {
		return fmt.Sprintf("%[1]s TEXT NOT NULL CHECK (length(%[1]s) <= %d)", name, size)
	},
	table:    "STRICT, WITHOUT ROWID",
	rowtable: "STRICT",
	whole:    true,
	one:      true,
}

// add is what adds columns to a table that is there. On MySQL it is one
// statement, which is done or not done.
func (t columnTypes) add(table string, columns ...string) string {
	terms := make([]string, len(columns))
	for i, c := range columns {
		preset := " DEFAULT ''"
		if strings.Contains(c, " INTEGER ") || strings.Contains(c, " BIGINT ") || strings.Contains(c, " TINYINT ") {
			preset = " DEFAULT 0"
		}
		terms[i] = "ADD COLUMN " + c + preset
	}
	if !t.one {
		return "ALTER TABLE " + table + " " + strings.Join(terms, ", ")
	}
	return "ALTER TABLE " + table + " " + strings.Join(terms, ";\nALTER TABLE "+table+" ")
}

// statements renders one migration.
func (t columnTypes) statements(source string) ([]string, error) {
	var later []string
	column := func(format string) func(string) string {
		return func(name string) string { return fmt.Sprintf(format, name) }
	}
	key := func(kind string) func(name, table, columns string) string {
		return func(name, table, columns string) string {
			if t.inline {
				return ",\n\t" + kind + " KEY " + name + " (" + columns + ")"
			}
			later = append(later, "CREATE "+kind+" INDEX IF NOT EXISTS "+name+" ON "+table+" ("+columns+")")
			return ""
		}
	}
	index := func(name, table, columns string) string {
		there := " IF NOT EXISTS"
		if t.inline {
			there = "" // MySQL has no such words; run knows its refusal
		}
		return "CREATE INDEX" + there + " " + name + " ON " + table + " (" + columns + ")"
	}
	tmpl, err := template.New("migration").Funcs(template.FuncMap{
		"id": column(t.id), "word": column(t.word), "number": column(t.number), "flag": column(t.flag),
		"data": column(t.data), "text": t.text,
		"key": key(""), "unique": key("UNIQUE"), "index": index,
		"add":      t.add,
		"table":    func() string { return t.table },
		"rowtable": func() string { return t.rowtable },
	}).Parse(source)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	if err := tmpl.Execute(&b, nil); err != nil {
		return nil, err
	}
	var list []string
	for s := range strings.SplitSeq(b.String(), ";\n") {
		if s = strings.TrimSpace(s); s != "" {
			list = append(list, s)
		}
	}
	return append(list, later...), nil
}

// run executes a migration: whole in one transaction, or, because MySQL commits
// at each statement anyway, one by one. Each statement can be repeated, because a
// crash may fall between two: what makes a table asks for it, and columns and
// indexes that are there were added by the same statement before.
func run(statements []string, whole bool) *goose.GoFunc {
	up := func(ctx context.Context, on querier) error {
		for _, s := range statements {
			if _, err := on.ExecContext(ctx, s); err != nil && !alreadyThere(err) {
				return fmt.Errorf("%.60q: %w", s, err)
			}
		}
		return nil
	}
	if whole {
		return &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error { return up(ctx, tx) }}
	}
	return &goose.GoFunc{RunDB: func(ctx context.Context, db *sql.DB) error { return up(ctx, db) }}
}

func alreadyThere(err error) bool {
	refused, ok := errors.AsType[*mysql.MySQLError](err)
	return ok && (refused.Number == 1060 || refused.Number == 1061) // ER_DUP_FIELDNAME, ER_DUP_KEYNAME
}

// migrator wraps goose: the migrations of one dialect, in order.
func migrator(db *sql.DB, dialect goose.Dialect, types columnTypes) (*goose.Provider, error) {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	list := make([]*goose.Migration, 0, len(files))
	for _, name := range files {
		source, err := migrations.ReadFile(name)
		if err != nil {
			return nil, err
		}
		statements, err := types.statements(string(source))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		number, _, _ := strings.Cut(path.Base(name), "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s: a migration's name begins with its number: %w", name, err)
		}
		list = append(list, goose.NewGoMigration(version, run(statements, types.whole), nil))
	}
	return goose.NewProvider(dialect, db, nil,
		goose.WithGoMigrations(list...), goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
}

// settle brings the schema to this binary's version, or says why it does not.
// The caller has made sure that nobody else does the same now.
func settle(ctx context.Context, p *goose.Provider, migrate bool) error {
	current, target, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read the version of the schema: %w", err)
	}
	switch {
	case current == target:
		return nil
	case current > target:
		return fmt.Errorf("%w: it has version %d, this lft knows %d: use a newer lft", ErrSchema, current, target)
	case current > 0 && !migrate:
		return fmt.Errorf("%w: it has version %d, this lft needs %d: run lft server -migrate once, with every older server stopped",
			ErrSchema, current, target)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("make the schema: %w", err)
	}
	return nil
}

// plant makes the rows that always exist, the cluster's id last, and returns it.
// Where it is there, nothing is written: a dead master may hold the other rows.
func plant(ctx context.Context, db *sql.DB, d dialect) (string, error) {
	if id, err := clusterID(ctx, db); err != nil || id != "" {
		return id, err
	}
	for _, s := range []statement{
		{text: "INSERT INTO epoch (id,epoch,owner) VALUES (1,0,'')" + d.conflict([]string{"id"}, nil)},
		{text: "INSERT INTO beat (id,epoch,beat,holder,address,connections,resigned,since,renewed_at) VALUES (1,0,0,'','','',0,0,0)" +
			d.conflict([]string{"id"}, nil)},
		{
			text: "INSERT INTO cluster (id,cluster_id) VALUES (1,?)" + d.conflict([]string{"id"}, nil),
			args: []any{strings.ToLower(rand.Text())},
		},
	} {
		if _, err := db.ExecContext(ctx, s.text, s.args...); err != nil {
			return "", fmt.Errorf("make the first rows: %w", err)
		}
	}
	return clusterID(ctx, db)
}

func clusterID(ctx context.Context, on querier) (string, error) {
	var id string
	err := rows(ctx, on, query{
		statement: statement{text: "SELECT cluster_id FROM cluster WHERE id=1"},
		scan:      func(r *sql.Rows) error { return r.Scan(&id) },
	})
	if err != nil {
		return "", fmt.Errorf("read the cluster's id: %w", err)
	}
	return id, nil
}

// settleMySQL makes or checks the schema while holding a lock that all servers
// share: two that start on an empty database take turns.
func settleMySQL(ctx context.Context, config *mysql.Config, migrate bool) (cluster string, err error) {
	config = config.Clone()
	config.ParseTime = true // goose reads times
	config.ReadTimeout = 5 * time.Minute
	db, err := openMySQL(config, 4)
	if err != nil {
		return "", err
	}
	defer db.Close()
	lock, err := db.Conn(ctx)
	if err != nil {
		return "", err
	}
	// Closing the connection gives the lock back.
	defer discard(lock)
	var got sql.NullInt64
	err = rows(ctx, lock, query{
		statement: statement{text: "SELECT GET_LOCK(CONCAT('lft schema ',DATABASE()),60)"},
		scan:      func(r *sql.Rows) error { return r.Scan(&got) },
	})
	if err != nil || got.Int64 != 1 {
		return "", errors.Join(errors.New("wait for another server that makes the schema"), err)
	}
	m, err := migrator(db, goose.DialectMySQL, mysqlTypes)
	if err != nil {
		return "", fmt.Errorf("prepare the schema: %w", err)
	}
	if err := settle(ctx, m, migrate); err != nil {
		return "", err
	}
	return plant(ctx, db, mysqlDialect{})
}
