//go:build bench

package main

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/fettle-io/fettle/internal/systemsbench"
)

func mysqlQuestions(ctx context.Context, s systemsbench.SQL) ([]question, error) {
	var all []question
	for _, address := range s.Addresses {
		conf := mysql.NewConfig()
		conf.User, conf.Passwd, conf.Net, conf.Addr = s.User, s.Password, "tcp", address
		connector, err := mysql.NewConnector(conf)
		if err != nil {
			return nil, err
		}
		conn, err := connector.Connect(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, func(ctx context.Context) error {
			for _, statement := range s.Statements {
				if err := drain(ctx, conn, statement); err != nil {
					return fmt.Errorf("%s: %w", statement, err)
				}
			}
			return nil
		})
	}
	return all, nil
}

func drain(ctx context.Context, conn driver.Conn, statement string) error {
	asker, ok := conn.(driver.QueryerContext)
	if !ok {
		return errors.New("the protocol's driver takes no text queries")
	}
	rows, err := asker.QueryContext(ctx, statement, nil)
	if err != nil {
		return err
	}
	defer rows.Close()
	for values := make([]driver.Value, len(rows.Columns())); ; {
		if err := rows.Next(values); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// prepared is the name of the prepared question.
const prepared = "bare"

func postgresQuestions(ctx context.Context, s systemsbench.SQL) ([]question, error) {
	var all []question
	for _, address := range s.Addresses {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		config, err := pgconn.ParseConfig("sslmode=disable dbname=postgres")
		if err != nil {
			return nil, err
		}
		number, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return nil, err
		}
		config.Host, config.Port, config.User, config.Password = host, uint16(number), s.User, s.Password
		conn, err := pgconn.ConnectConfig(ctx, config)
		if err != nil {
			return nil, err
		}
		if _, err := conn.Prepare(ctx, prepared, s.Statements[1], nil); err != nil {
			return nil, err
		}
		all = append(all, func(ctx context.Context) error { return exchange(ctx, conn, s.Statements) })
	}
	return all, nil
}

// exchange sends the three statements at once and reads their answers.
func exchange(ctx context.Context, conn *pgconn.PgConn, statements []string) error {
	f := conn.Frontend()
	f.SendQuery(&pgproto3.Query{String: statements[0]})
	f.SendBind(&pgproto3.Bind{PreparedStatement: prepared})
	f.SendExecute(&pgproto3.Execute{})
	f.SendSync(&pgproto3.Sync{})
	f.SendQuery(&pgproto3.Query{String: statements[2]})
	if err := f.Flush(); err != nil {
		return err
	}
	for ready := 0; ready < 3; {
		message, err := conn.ReceiveMessage(ctx)
		if err != nil {
			return err
		}
		switch m := message.(type) {
		case *pgproto3.ErrorResponse:
			return pgconn.ErrorResponseToPgError(m)
		case *pgproto3.ReadyForQuery:
			ready++
		}
	}
	return nil
}
