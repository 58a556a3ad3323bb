"""What is offered: a lesson as asked for, profiles and services, and lists of them in a constant number of queries."""

from datetime import date, time

import pytest
from django.db import IntegrityError, transaction

from accounts.models import User
from catalog import queries
from catalog.models import AvailabilityException, InstructorProfile, Modality, Service, WeeklyHours
from catalog.services import (
    DurationNotOffered,
    Floor,
    ModalityNotOffered,
    NotAnInstructor,
    ServiceInactive,
    check_offered,
    create_profile,
    create_service,
    floors_of,
)
from common.actors import Role
from common.problems import Invalid, NotFound
from tests.support.factories import InstructorFactory, ServiceFactory, UserFactory

ONLINE, AT_STUDENT, NEUTRAL = Modality.ONLINE, Modality.STUDENT_LOCATION, Modality.NEUTRAL_LOCATION


@pytest.fixture
def service(database: None) -> Service:
    return ServiceFactory.create(durations=[30, 60], modalities=[ONLINE, AT_STUDENT])


def test_what_is_offered_can_be_had(service: Service) -> None:
    assert check_offered(service=service, duration_minutes=60, modality=ONLINE, address="ignored") == ""
    there = check_offered(service=service, duration_minutes=30, modality=AT_STUDENT, address=" 1 Main St ")
    assert there == "1 Main St"


def test_every_refusal_has_its_own_code(service: Service) -> None:
    with pytest.raises(DurationNotOffered) as duration:
        check_offered(service=service, duration_minutes=45, modality=ONLINE)
    assert (duration.value.code, duration.value.fields) == ("duration_not_offered", {"durations": [30, 60]})
    with pytest.raises(ModalityNotOffered) as modality:
        check_offered(service=service, duration_minutes=30, modality=NEUTRAL)
    assert modality.value.code == "modality_not_offered"
    assert "online, at the student's" in modality.value.detail
    for address in ("", "  ", "x" * 301):
        with pytest.raises(Invalid) as missing:
            check_offered(service=service, duration_minutes=30, modality=AT_STUDENT, address=address)
        assert list(missing.value.fields["errors"]) == ["address"]


def test_a_service_that_is_off_or_whose_instructor_left_is_inactive(service: Service) -> None:
    service.instructor.user.is_active = False
    with pytest.raises(ServiceInactive):
        check_offered(service=service, duration_minutes=30, modality=ONLINE)
    service.instructor.user.is_active, service.is_active = True, False
    with pytest.raises(ServiceInactive) as refusal:
        check_offered(service=service, duration_minutes=30, modality=ONLINE)
    assert refusal.value.code == "service_inactive"


def test_a_profile_is_made_once_and_for_instructors_only(database: None) -> None:
    teacher: User = UserFactory.create(role=Role.INSTRUCTOR)
    profile = create_profile(user=teacher, bio="Piano", minimum_notice_minutes=90)
    assert (profile.commission_bps, profile.minimum_notice_minutes) == (1500, 90)
    assert create_profile(user=teacher) == profile
    with pytest.raises(NotAnInstructor):
        create_profile(user=UserFactory.create())


def test_a_service_is_kept_tidy(database: None) -> None:
    made = create_service(
        instructor=InstructorFactory.create(),
        name=" Piano ",
        hourly_rate_cents=9000,
        durations=[60, 30, 60],
        modalities=[AT_STUDENT, ONLINE],
    )
    made.refresh_from_db()
    assert (made.name, made.durations, made.modalities) == ("Piano", [30, 60], [ONLINE, AT_STUDENT])


def test_every_wrong_field_is_named(database: None) -> None:
    with pytest.raises(Invalid) as problem:
        create_service(
            instructor=InstructorFactory.create(), name=" ", hourly_rate_cents=99, durations=[], modalities=["moon"]
        )
    assert set(problem.value.fields["errors"]) == {"name", "hourly_rate_cents", "durations", "modalities"}
    assert not Service.objects.exists()


def test_the_price_floor_is_shown_beside_the_rate() -> None:
    floors = floors_of(hourly_rate_cents=7000, modalities=[AT_STUDENT, ONLINE], in_person_cents=8000, online_cents=6000)
    assert floors == [Floor(ONLINE, 6000, True), Floor(AT_STUDENT, 8000, False)]


def test_a_list_of_instructors_takes_two_queries(database: None, django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    for n in range(4):
        instructor = InstructorFactory.create(hours=[])
        ServiceFactory.create(instructor=instructor, hourly_rate_cents=12_000 + n)
        ServiceFactory.create(instructor=instructor, hourly_rate_cents=9_000, modalities=[ONLINE])
        ServiceFactory.create(instructor=instructor, is_active=False)
    with django_assert_num_queries(2):
        shown = [
            (one.user.public_name, [service.hourly_rate_cents for service in one.services.all()])
            for one in queries.listed_instructors()
        ]
    assert sorted(shown) == [("Ina I.", [9_000, 12_000 + n]) for n in range(4)]
    cheap = queries.listed_instructors(modality=AT_STUDENT, at_most_cents=12_001)
    assert sorted(one.services.all()[0].hourly_rate_cents for one in cheap) == [12_000, 12_001]


def test_only_instructors_with_something_on_offer_are_listed(database: None) -> None:
    listed = ServiceFactory.create().instructor
    ServiceFactory.create(is_active=False)
    ServiceFactory.create(instructor__is_listed=False)
    ServiceFactory.create(instructor__user__is_active=False)
    InstructorFactory.create()
    assert list(queries.listed_instructors()) == [listed]


def test_one_instructor_and_one_service(service: Service, django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    ServiceFactory.create(instructor=service.instructor, is_active=False)
    with django_assert_num_queries(2):
        profile = queries.get_instructor(service.instructor.pk)
        assert list(profile.services.all()) == [service]
    with django_assert_num_queries(1):
        assert queries.get_service(service.pk).instructor.user == profile.user
    for missing in (queries.get_instructor, queries.get_service):
        with pytest.raises(NotFound):
            missing("nobody")


@pytest.mark.parametrize(
    ("starts", "ends"), [(time(10), time(9)), (time(10), time(10)), (time(10), None), (None, time(10))]
)
def test_the_database_keeps_hours_that_make_sense(database: None, starts: time | None, ends: time | None) -> None:
    instructor: InstructorProfile = InstructorFactory.create(hours=[])
    with pytest.raises(IntegrityError), transaction.atomic():
        AvailabilityException.objects.create(instructor=instructor, date=date(2027, 6, 7), starts=starts, ends=ends)
    if starts and ends:
        with pytest.raises(IntegrityError), transaction.atomic():
            WeeklyHours.objects.create(instructor=instructor, weekday=0, starts=starts, ends=ends)
