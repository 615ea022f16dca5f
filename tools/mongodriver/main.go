// Command mongodriver asks a member of a replica set what fettle asks, with MongoDB's own
// driver: so a stand-in is shown to speak the protocol. Its arguments are host:port, user
// and password; it prints the set's name and the member's state.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

func main() {
	if err := ask(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func ask(address, user, password string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	client, err := mongo.Connect(options.Client().ApplyURI("mongodb://" + address + "/?directConnection=true&serverMonitoringMode=poll").
		SetAuth(options.Credential{AuthMechanism: "SCRAM-SHA-256", Username: user, Password: password}).
		SetServerAPIOptions(options.ServerAPI(options.ServerAPIVersion1))) // with it, it speaks OP_MSG from the first word
	if err != nil {
		return err
	}
	defer client.Disconnect(ctx) //nolint:errcheck // the process ends
	var status, entry bson.M
	if err := client.Database("admin").RunCommand(ctx, bson.D{{Key: "replSetGetStatus", Value: 1}}).Decode(&status); err != nil {
		return err
	}
	if err := client.Database("admin").RunCommand(ctx, bson.D{{Key: "replSetGetConfig", Value: 1}}).Err(); err != nil {
		return err
	}
	last := options.FindOne().SetSort(bson.D{{Key: "$natural", Value: -1}})
	if err := client.Database("local").Collection("oplog.rs").FindOne(ctx, bson.D{}, last).Decode(&entry); err != nil {
		return err
	}
	_, ok := entry["ts"].(bson.Timestamp)
	fmt.Println(status["set"], status["myState"], ok)
	return nil
}
