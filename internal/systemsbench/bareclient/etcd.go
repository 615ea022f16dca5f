//go:build bench

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

func etcdQuestions(urls []string) ([]question, error) {
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	var all []question
	for _, url := range urls {
		cc, err := grpc.NewClient("passthrough:///"+strings.TrimPrefix(url, "http://"), grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDisableServiceConfig())
		if err != nil {
			return nil, err
		}
		all = append(all,
			func(ctx context.Context) error {
				_, err := pb.NewMaintenanceClient(cc).Status(ctx, &pb.StatusRequest{})
				return err
			},
			func(ctx context.Context) error {
				_, err := pb.NewClusterClient(cc).MemberList(ctx, &pb.MemberListRequest{})
				return err
			},
			func(ctx context.Context) error { return page(ctx, client, url+"/metrics") },
		)
	}
	return all, nil
}

func page(ctx context.Context, client *http.Client, url string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, answer.Status)
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}
