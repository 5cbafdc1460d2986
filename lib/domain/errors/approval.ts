/** Error codes of approvals, at the request, at the click and before the run goes on: see `entry.ts`. */
import { errorGroup } from './entry.ts';

export const approvalErrors = errorGroup({
  RequestNotAllowed: {
    retry: false,
    advice:
      'The approval policy in octo.yml does not let you ask for this. Ask someone whom it allows, or have the policy changed.',
  },
  ApprovalImpossible: {
    retry: false,
    advice:
      'The approval policy in octo.yml asks for more people than it names, so nobody could ever approve. Add approvers there, or lower the count.',
  },
  ApprovalNotOpen: {
    retry: false,
    advice: 'There is nothing to decide on this run now. `/octo run` with its id shows how it stands.',
  },
  ApprovalNotYours: {
    retry: false,
    advice:
      'Ask one of the people who can. Who may approve what stands under `approval` in octo.yml, and in `/octo backup settings`.',
  },
  WithdrawNotYours: {
    retry: false,
    advice:
      'Whoever may approve it can deny it, with a reason: `/octo deny` with its id. Whoever asked for it can withdraw it.',
  },
  ApprovalDecided: {
    retry: false,
    advice: 'The decision stands and cannot be changed. Ask for a new run, or cancel the one at work.',
  },
  ApprovalReasonMissing: {
    retry: false,
    advice: 'Say why: add reason:"…" to the command, or fill in the form.',
  },
  ApprovalNotConfirmed: {
    retry: false,
    advice:
      "Type the instance's name exactly as it is written in the request: in the form, or as confirm:name in the command.",
  },
  ApprovalDenied: {
    retry: false,
    advice: 'Talk to the person who denied it, then ask again if it is still wanted.',
  },
  ApprovalExpired: {
    retry: false,
    advice: 'Nobody decided in time. Ask again when an approver is there.',
  },
  ApprovalVoid: {
    retry: false,
    advice:
      'What was decided no longer holds, because the policy, its people or the plan changed since. Nothing was begun; ask again.',
  },
  QuestionNotOpen: {
    retry: false,
    advice: 'Nothing is asked now. `/octo run` with its id shows how the run stands.',
  },
  QuestionAnswered: {
    retry: false,
    advice: 'The first answer stands. To stop the run, cancel it; if tasks still do not end, it asks again.',
  },
  AnswerNotOffered: {
    retry: false,
    advice: 'Choose one of the answers that the message of the run offers.',
  },
  QuestionNotYours: {
    retry: false,
    advice: 'Ask the one who asked for the backup, or somebody whom octo.yml names under `people`.',
  },
  PlanChanged: {
    retry: false,
    advice:
      'The server is no longer as the plan says that was shown. Nothing was begun; ask again to see the new plan.',
  },
});
