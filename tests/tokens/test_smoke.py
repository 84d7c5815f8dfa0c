def test_a_secret_and_an_assertion_get_tokens(wire, authorization, signer, resource_server):
    one = wire.token(authorization)
    assert one.status == 200, one.text
    two = wire.post("token", signer.form(grant_type="client_credentials"))
    assert two.status == 200, two.text
    for answer in (one, two):
        found = wire.post("introspect", {"token": answer.json["access_token"]}, authorization=resource_server)
        print(found)
        assert found.json["active"]
    print(one, wire.log.getvalue())
    wire.write_behind()
