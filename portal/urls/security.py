"""The Security team's pages."""

from django.urls import path

from portal.views import queue, review

urlpatterns = [
    path("queue/", queue.queue, name="queue"),
    path("requests/<uuid:uid>/", review.review, name="review"),
    path("requests/<uuid:uid>/message/", review.write_message, name="write_message"),
]
