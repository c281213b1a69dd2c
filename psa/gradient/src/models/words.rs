//! The words of services, spelt as the API spells them. Letter case counts.

use tallyline_core::wire_enum;

wire_enum! {
    /// What kind of service it is.
    pub enum Category {
        /// Security.
        Security = "security",
        /// Backup.
        Backup = "backup",
        /// Productivity.
        Productivity = "productivity",
        /// Infrastructure.
        Infrastructure = "infrastructure",
        /// Service delivery.
        ServiceDelivery = "service delivery",
        /// Consulting.
        Consulting = "consulting",
        /// Other.
        Other = "other",
    }
}

wire_enum! {
    /// What it is for, more closely.
    pub enum Subcategory {
        /// Endpoint detection and response (EDR).
        EndpointDetectionAndResponse = "endpoint detection and response (EDR)",
        /// Email security.
        EmailSecurity = "email security",
        /// Virtual private network services (VPN).
        VirtualPrivateNetworkServices = "virtual private network services (VPN)",
        /// DNS filtering.
        DnsFiltering = "DNS filtering",
        /// Dark web monitoring.
        DarkWebMonitoring = "dark web monitoring",
        /// Password management.
        PasswordManagement = "password management",
        /// Single sign on (SSO).
        SingleSignOn = "single sign on (SSO)",
        /// Privileged access and identity management (PAM/PIM).
        PrivilegedAccessAndIdentityManagement = "priviledged access and identity management (PAM/PIM)",
        /// Security information and event management (SIEM).
        SecurityInformationAndEventManagement = "security information and event management (SIEM)",
        /// Mobile device management (MDM).
        MobileDeviceManagement = "mobile device management (MDM)",
        /// Application security.
        ApplicationSecurity = "application security",
        /// Mobile application management (MAM).
        MobileApplicationManagement = "mobile application management (MAM)",
        /// Multi factor authentication (MFA).
        MultiFactorAuthentication = "multi factor authentication (MFA)",
        /// Cloud backup.
        CloudBackup = "cloud backup",
        /// Local backup.
        LocalBackup = "local backup",
        /// Desktop backup.
        DesktopBackup = "desktop backup",
        /// Data archiving.
        DataArchiving = "data archiving",
        /// Physical offsite storage.
        PhysicalOffsiteStorage = "physical offsite storage",
        /// Business continuity.
        BusinessContinuity = "business continuity",
        /// Hosted email.
        HostedEmail = "hosted email",
        /// Video conferencing.
        VideoConferencing = "video conferencing",
        /// Voice over IP services (VOIP).
        VoiceOverIpServices = "voice over IP services (VOIP)",
        /// Line of business application support.
        LineOfBusinessApplicationSupport = "line of business application support",
        /// Unified communications as a service (UCaaS).
        UnifiedCommunicationsAsAService = "unified communications as a service (UCaaS)",
        /// Customer relationship management.
        CustomerRelationshipManagement = "customer relationship management",
        /// Cloud storage.
        CloudStorage = "cloud storage",
        /// Website hosting.
        WebsiteHosting = "website hosting",
        /// Hardware as a service (HaaS).
        HardwareAsAService = "hardware as a service (HaaS)",
        /// Managed print services.
        ManagedPrintServices = "managed print services",
        /// Virtual desktop infrastructure (VDI).
        VirtualDesktopInfrastructure = "virtual desktop infrastructure (VDI)",
        /// Virtual server hosting.
        VirtualServerHosting = "virtual server hosting",
        /// Infrastructure as a service (IaaS).
        InfrastructureAsAService = "infrastructure as a service (IaaS)",
        /// End user support.
        EndUserSupport = "end user support",
        /// Server management and support.
        ServerManagementAndSupport = "server management and support",
        /// Network management and support.
        NetworkManagementAndSupport = "network management and support",
        /// Printer management and support.
        PrinterManagementAndSupport = "printer management and support",
        /// Desktop management and support.
        DesktopManagementAndSupport = "desktop management and support",
        /// Hosted security operations centre (SOC).
        HostedSecurityOperationsCentre = "hosted security operations centre (SOC)",
        /// Software development.
        SoftwareDevelopment = "software development",
        /// Penetration testing.
        PenetrationTesting = "penetration testing",
        /// Project services.
        ProjectServices = "project services",
        /// Governance and compliance.
        GovernanceAndCompliance = "governance and compliance",
        /// Business intelligence services / analytics.
        BusinessIntelligenceServicesAnalytics = "business intelligence services / analytics",
        /// Phishing simulation.
        PhishingSimulation = "phishing simulation",
        /// Privacy and security awareness training.
        PrivacyAndSecurityAwarenessTraining = "privacy and security awareness training",
        /// Other.
        Other = "other",
    }
}
