"""What is said where a name is unknown."""

from isocost.store.lookup import not_found


def test_a_few_names_are_all_told():
    assert str(not_found("experiment", "c", ["a", "b"])) == (
        "There is no experiment 'c'. Stored are a, b."
    )


def test_many_names_are_told_by_a_command():
    many = [f"night-{n:02d}" for n in range(30)]
    said = str(not_found("experiment", "other", many))
    assert "and others: `isocost bank list` shows all." in said
    assert "night-29" in said


def test_where_no_command_lists_them_none_is_named():
    assert str(not_found("run", "x", [f"r-{n}" for n in range(9)])).endswith("and others.")


def test_an_execution_is_called_a_run_as_the_commands_call_it():
    assert str(not_found("execution", "x", [])).startswith("There is no run 'x'")
