/* io/s3/store_s3_bucket.c: make the bucket of a lake where it is missing. Only who asks for a lake to be made comes here: no
 * other operation makes a bucket, so that a mistyped name is told and not created.
 */
#include <stdio.h>

#include "io/s3/store_s3_int.h"

enum { LOCATION_BYTES_MAX = 256 };

/* By a listing: the answer to a HEAD would not say why it is refused. */
static status look_for(struct s3_store *s, bool *there, struct err *err)
{
	struct s3_call call;
	struct err now;
	err_clear(&now);
	const struct s3_request list = {
		.verb = "look at the bucket", .method = "GET", .query = "list-type=2&max-keys=1"};
	status code = s3_perform(s->client, &call, &list, &now);
	*there = code == OK;
	if (code != OK && strcmp(call.code, "NoSuchBucket") == 0) code = OK;
	s3_call_deinit(&call);
	if (code != OK && err != NULL) *err = now;
	return code;
}

status s3_create(struct store *base, bool *made, struct err *err)
{
	struct s3_store *s = (struct s3_store *)base;
	struct s3_call call;
	char location[LOCATION_BYTES_MAX] = "";
	bool there;
	TRY(look_for(s, &there, err));
	*made = !there;
	if (there) return OK;
	if (s->location[0] != '\0')
		(void)snprintf(location, sizeof location,
			"<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
			"<LocationConstraint>%s</LocationConstraint></CreateBucketConfiguration>",
			s->location);
	const struct s3_request make = {
		.verb = "make the bucket", .method = "PUT", .body = location, .body_n = strlen(location)};
	struct err now;
	err_clear(&now);
	status code = s3_perform(s->client, &call, &make, &now);
	/* Another one made it meanwhile, or the answer to our own first try was lost. */
	if (code != OK && strcmp(call.code, "BucketAlreadyOwnedByYou") == 0) code = OK;
	s3_call_deinit(&call);
	if (code != OK && err != NULL) *err = now;
	return code;
}
