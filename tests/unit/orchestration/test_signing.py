"""Keys, checkpoints and copies by the command line: from `keys create` to a customer's offline proof."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from models.billing.documents.store import write_documents
from models.billing.invoice_view import invoice_document
from models.billing.invoicing import draft_invoice, issue_invoice
from models.billing.proof.signing import create_private_key, read_signer
from models.errors import SigningKeyError
from models.store import sessions
from orchestration.billing.signing import create_signing_key, find_signer, make_checkpoints
from orchestration.cli import app
from orchestration.errors import DeploymentError, NotReadyError
from orchestration.settings import TEMPLATE, Deployment, SigningSettings, load_deployment
from tests.builders.contracts import a_contract
from tests.builders.enterprise import a_store
from tests.builders.readings import a_rating


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    monkeypatch.setenv("LINESHAFT_HOME", str(tmp_path))
    monkeypatch.setenv("LINESHAFT_DEPLOYMENT", str(TEMPLATE))
    return load_deployment()


def issue(deployment: Deployment, *, days_ago: int = 3) -> str:
    """One invoice issued some days ago by this deployment, with its documents."""
    with a_store(deployment.home, a_contract()) as engine, sessions(engine).begin() as session:
        draft = draft_invoice(session, rating=a_rating(a_contract()))
        at = datetime.now(UTC) - timedelta(days=days_ago)
        signer = find_signer(deployment)
        issued = issue_invoice(session, invoice_id=draft.invoice_id, issued_at=at, signer=signer)
        write_documents(invoice_document(session, draft.invoice_id), deployment.invoices)
    return issued.invoice_number


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(words))
    return result.exit_code, result.output


def test_a_key_is_its_owners_alone_and_never_replaced_unasked(deployment: Deployment) -> None:
    assert find_signer(deployment) is None
    made = create_signing_key(deployment)
    assert made.private_key.stat().st_mode & 0o777 == 0o600
    with pytest.raises(NotReadyError, match="--replace"):
        create_signing_key(deployment)
    first = find_signer(deployment)
    again = create_signing_key(deployment, is_replacing=True)
    second = find_signer(deployment)
    assert first is not None
    assert second is not None
    assert first.public_key != second.public_key
    assert sorted(path.name for path in made.private_key.parent.iterdir()) == sorted(
        [made.public_key.name, again.public_key.name, "signing-key.pem"]
    )
    assert again.private_key.stat().st_mode & 0o777 == 0o600


def test_a_key_that_others_may_read_is_refused(deployment: Deployment) -> None:
    create_signing_key(deployment).private_key.chmod(0o640)
    with pytest.raises(DeploymentError, match="Others may read"):
        find_signer(deployment)


def test_a_key_may_come_from_the_environment(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    named = deployment.model_copy(update={"signing": SigningSettings(key_env="LINE_KEY")})
    with pytest.raises(DeploymentError, match="LINE_KEY holds no signing key"):
        find_signer(named)
    pem = create_private_key()
    monkeypatch.setenv("LINE_KEY", pem.decode())
    signer = find_signer(named)
    assert signer is not None
    assert signer.public_key == read_signer(pem).public_key
    monkeypatch.setenv("LINE_KEY", "-----BEGIN SECRET-----")
    with pytest.raises(SigningKeyError) as refused:
        find_signer(named)
    assert "SECRET" not in str(refused.value)


def test_a_named_file_that_is_missing_is_no_unsigned_deployment(deployment: Deployment, tmp_path: Path) -> None:
    named = deployment.model_copy(update={"signing": SigningSettings(key_file=tmp_path / "no.pem")})
    with pytest.raises(DeploymentError, match="There is no signing key"):
        find_signer(named)


@pytest.mark.parametrize("signing", ["{key_file: a, key_env: B}", "{key: a}", "[1]"])
def test_a_wrong_entry_is_refused_in_a_sentence(tmp_path: Path, signing: str) -> None:
    text = (
        (TEMPLATE / "lineshaft.yaml").read_text(encoding="utf-8").replace("sites:\n", f"signing: {signing}\nsites:\n")
    )
    (tmp_path / "lineshaft.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(DeploymentError, match="signing names a key_file, or a key_env"):
        load_deployment(tmp_path)


def test_an_invoice_is_proven_from_each_copy_with_the_key_known_beforehand(deployment: Deployment) -> None:
    made = create_signing_key(deployment)
    number = issue(deployment)
    assert len(make_checkpoints(deployment)) == 3
    bundle = deployment.home / f"{number}.evidence.json.gz"
    assert run("invoice", "bundle", number, "-o", str(bundle))[0] == 0
    copies = [bundle, deployment.invoices / f"{number}.pdf", deployment.invoices / f"{number}.xml"]
    for copy in copies:
        code, output = run("invoice", "verify", str(copy), "--public-key", str(made.public_key))
        assert (code, "holds" in output) == (0, True), output
    assert "lacking" not in run("invoice", "verify", str(bundle))[1]
    stranger = create_signing_key(deployment, is_replacing=True)
    for copy in copies:
        code, output = run("invoice", "verify", str(copy), "--public-key", str(stranger.public_key))
        assert (code, "not by the one given" in output) == (1, True), output


def test_an_altered_copy_is_named_and_fails(deployment: Deployment) -> None:
    create_signing_key(deployment)
    number = issue(deployment)
    bundle = deployment.home / "copy.json"
    run("invoice", "bundle", number, "-o", str(bundle))
    members = json.loads(gzip.decompress(bundle.read_bytes()))
    members["invoice"]["lines"][1]["segments"][0]["opening"]["file_row"] += 1
    bundle.write_text(json.dumps(members))
    code, output = run("invoice", "verify", str(bundle))
    assert code == 1
    assert "reading, line 2: the opening reading of segment 1 is not as it was sealed" in output
    xml = deployment.invoices / f"{number}.xml"
    xml.write_bytes(xml.read_bytes().replace(b"</ram:DuePayableAmount>", b"1</ram:DuePayableAmount>"))
    code, output = run("invoice", "verify", str(xml))
    assert (code, "e-invoice: the e-invoice's payable amount" in output) == (1, True)


def test_an_unsigned_deployment_works_and_says_so(deployment: Deployment) -> None:
    number = issue(deployment)
    assert "not signed" in run("checkpoint", "make")[1]
    code, output = run("invoice", "verify", str(deployment.invoices / f"{number}.pdf"))
    assert (code, "lacking: it is not signed" in output) == (0, True)
    assert run("checkpoint", "verify") == (0, "The chain holds.\n")
    assert "no signing key" in run("keys", "list")[1]


def test_checkpoints_are_published_and_proven_offline(deployment: Deployment) -> None:
    made = create_signing_key(deployment)
    issue(deployment)
    run("checkpoint", "make")
    file = deployment.home / "checkpoints.json"
    assert run("checkpoint", "export", "-o", str(file))[0] == 0
    pinned = ("checkpoint", "verify", str(file), "--public-key", str(made.public_key))
    assert run(*pinned) == (0, "The chain holds.\n")
    members = json.loads(file.read_text())
    for alter in (
        lambda rows: rows.pop(1),
        lambda rows: rows.reverse(),
        lambda rows: rows[2]["content"].update(log_root="0" * 64),
        lambda rows: rows[0].update(signature=None),
        lambda rows: rows[0].update(extra=1),
        lambda rows: rows.clear(),
    ):
        altered = json.loads(json.dumps(members))
        alter(altered["checkpoints"])
        file.write_text(json.dumps(altered))
        assert run(*pinned)[0] == 1
    stranger = create_signing_key(deployment, is_replacing=True)
    file.write_text(json.dumps(members))
    code, output = run("checkpoint", "verify", str(file), "--public-key", str(stranger.public_key))
    assert (code, "not by the key given" in output) == (1, True)
    assert made.key_id in run("keys", "list")[1]


def test_a_missing_copy_is_told_in_a_sentence(deployment: Deployment) -> None:
    result = CliRunner().invoke(app, ["invoice", "verify", str(deployment.home / "none.json")])
    assert isinstance(result.exception, NotReadyError)
